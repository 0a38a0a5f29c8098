"""What is kept of a picture's objects."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from blender_segaddon.core import seen
from blender_segaddon.protocol.errors import InvalidInput

from . import samples


def test_ids_and_names_come_back():
    maps = samples.maps(("car", 10), ("wall", 7), (None, 3))
    found = seen.decode(seen.encode(maps))
    assert found.instance_map.dtype == np.uint32
    assert (found.instance_map == maps.instance_map).all()
    assert (found.width, found.height) == (maps.width, maps.height)
    assert (found.vocabulary, found.background) == (maps.vocabulary, maps.background)
    for ours, its in zip(found.instances, maps.instances, strict=True):
        for name in ("id", "object", "class_name", "class_id", "text", "pixels", "bbox", "instancer"):
            assert getattr(ours, name) == getattr(its, name)


@pytest.mark.parametrize("damage", [b"", b"rubbish", zlib.compress(b"{}\n"), zlib.compress(b'{"size": [9, 9]}\n')])
def test_damage_is_said(damage):
    with pytest.raises(InvalidInput, match="damaged"):
        seen.decode(damage)


def test_ids_without_names_are_damage():
    maps = samples.maps(("car", 10), ("wall", 7), (None, 3))
    about = zlib.decompress(seen.encode(maps))
    line, _, ids = about.partition(b"\n")
    with pytest.raises(InvalidInput, match="without a name"):
        seen.decode(zlib.compress(line + b"\n" + b"\xff" * len(ids)))
