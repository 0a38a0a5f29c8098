"""Models that are one .safetensors file, loaded without a look at the network.

A checkpoint holds weights alone. What diffusers needs to know besides (the shape of the networks, the scheduler, the
words of the tokenizer) is here: architectures.json, and CLIP's merges (OpenAI, MIT licence), from which its vocabulary
follows. Imported by the worker alone.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from blender_segaddon.protocol.errors import InvalidInput

from .catalogue import Family, Model, Source
from .found import family_of_checkpoint

_DATA = Path(__file__).parent


def pipeline_loader(kind: Any, model: Model) -> Callable[..., Any]:
    """What loads a pipeline of class ``kind`` from a checkpoint: called with its path and options of diffusers.

    It raises InvalidInput for a checkpoint of another family, and whatever diffusers raises for a damaged one.
    """

    def load(place: str, **options: Any) -> Any:
        family = family_of_checkpoint(Path(place))
        if family not in (model.family, None):
            text = f"{Path(place).name} is a checkpoint of {family}, and its entry {model.id!r} says {model.family}"
            raise InvalidInput(text, f'Write family = "{family}" in models.toml')
        with _configurations(model.base, model) as folder:
            return kind.from_single_file(place, config=str(folder), **options)

    return load


def control_loader(what: Any, source: Source, model: Model) -> Callable[..., Any]:
    """What loads a ControlNet of class ``what`` from one file, of diffusers' layout or the original one."""
    import diffusers

    is_union = what is diffusers.ControlNetUnionModel

    def load(place: str, *, dtype: Any, **options: Any) -> Any:
        with _configurations(source, model) as folder:
            if not is_union:
                here = folder if source.config else folder / "controlnet"
                return what.from_single_file(place, config=str(here), dtype=dtype, **options)
            config = what.load_config(folder if source.config else folder / "controlnet-union")
        return _union(what, Path(place), config).to(dtype)

    return load


def _union(what: Any, place: Path, config: dict[str, Any]) -> Any:
    """A ControlNet Union; the file says how many kinds of control it has (promax: 8)."""
    from accelerate import init_empty_weights
    from safetensors.torch import load_file

    weights = load_file(place)
    with init_empty_weights():
        union = what.from_config({**config, "num_control_type": weights["task_embedding"].shape[0]})
    union.load_state_dict(weights, assign=True)
    return union


@contextmanager
def _configurations(source: Source, model: Model) -> Iterator[Path]:
    """A folder of diffusers without weights: that of the entry, or the family's own, for as long as it is needed."""
    if source.config:
        yield Path(source.config)
        return
    with tempfile.TemporaryDirectory(prefix="segaddon-") as made:
        write_configurations(model.family, Path(made))
        yield Path(made)


def write_configurations(family: Family, folder: Path) -> None:
    """Write what diffusers needs to know of a family besides its weights. Raises InvalidInput: not of this family."""
    architectures = json.loads((_DATA / "architectures.json").read_text("utf-8"))
    if family not in architectures:
        known = ", ".join(architectures)
        raise InvalidInput(f"One file is not enough for a model of {family}", f"Give a folder; files do for {known}")
    for name, content in architectures[family].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))
        if name.endswith("tokenizer_config.json"):
            vocabulary, merges = _words()
            (folder / name).with_name("vocab.json").write_text(vocabulary, "utf-8")
            (folder / name).with_name("merges.txt").write_text(merges, "utf-8")


@cache
def _words() -> tuple[str, str]:
    """CLIP's vocab.json and merges.txt: single letters, the same at a word's end, one for each merge, start and end."""
    lines = gzip.decompress((_DATA / "clip_merges.txt.gz").read_bytes()).decode().splitlines()
    letters = _letters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *(line.replace(" ", "") for line in lines)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return json.dumps(vocabulary, ensure_ascii=False), "\n".join(["#version: 0.2", *lines, ""])


def _letters() -> list[str]:
    """The letters that stand for the 256 bytes, in CLIP's order: printable ones, then the others moved up to 256."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [chr(byte) for byte in printable] + [chr(256 + k) for k in range(256 - len(printable))]
