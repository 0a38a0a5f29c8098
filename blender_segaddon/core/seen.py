"""What a picture shows, small enough to be kept with its image: ids and names, without depths and directions."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

import numpy as np

from ..protocol.errors import InvalidInput
from .maps import Instance, Numbered, SceneMaps

_LEVEL = 1
"""zlib; a street with 239 instances takes 150 kB at 2048², and half of it in more than twice the time with 6"""
_KEPT = ("id", "object", "class", "class_id", "text", "pixels", "bbox", "instancer", "material")
"""of an instance; the rest of its legend takes the defaults"""
_MISSING = {"matrix_world": (), "class_source": "none"}
_MOST_BYTES = 4 * 16384 * 16384
"""a text that claims more is not unpacked"""


@dataclass(frozen=True, eq=False)
class Seen(Numbered):
    """The objects of a picture, as ``SceneMaps`` has them: enough to answer a click, a box, a word or a name."""

    instance_map: np.ndarray
    """uint32 H×W; 0 = background, else ``Instance.id``"""
    instances: tuple[Instance, ...]
    """in the order of their ids; without places in the world"""
    vocabulary: str
    background: str


def encode(maps: SceneMaps) -> bytes:
    """What ``decode`` reads: a line of JSON and the ids, deflated."""
    kind = np.dtype("<u2" if len(maps.instances) < 1 << 16 else "<u4")
    instances = [{name: values[name] for name in _KEPT} for values in (one.to_dict() for one in maps.instances)]
    about = {
        "size": [maps.width, maps.height],
        "type": kind.str,
        "vocabulary": maps.vocabulary,
        "background": maps.background,
        "instances": instances,
    }
    line = json.dumps(about, separators=(",", ":")).encode() + b"\n"
    return zlib.compress(line + maps.instance_map.astype(kind).tobytes(), _LEVEL)


def decode(data: bytes) -> Seen:
    """The reverse of ``encode``. Raises InvalidInput where it is damaged."""
    try:
        line, _, ids = zlib.decompressobj().decompress(data, _MOST_BYTES).partition(b"\n")
        about = json.loads(line)
        width, height = about["size"]
        instance_map = np.frombuffer(ids, about["type"]).reshape(height, width).astype(np.uint32)
        instances = tuple(Instance.from_dict(_MISSING | one) for one in about["instances"])
        if int(instance_map.max(initial=0)) > len(instances):
            raise ValueError("ids without a name")
        return Seen(instance_map, instances, about["vocabulary"], about["background"])
    except (zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidInput(f"What this picture shows is damaged in the file ({error})", "Generate it again") from error
