"""Maps as files of the formats that others read; docs/formats.md describes each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..protocol.errors import InvalidInput
from .coco import write_coco
from .cryptomatte import write_cryptomatte
from .exr import write_exr
from .files import save_maps, save_maps_images
from .maps import NO_CLASS, SceneMaps
from .png import write_png
from .vocabulary import load

INSTANCE_FILE, CATEGORY_FILE, EXR_FILE, CRYPTOMATTE_FILE = (
    "instance_id.png",
    "category_id.png",
    "maps.exr",
    "cryptomatte.exr",
)
DEFAULT_FORMATS = ("npz", "png", "id_png")
_MOST = 65535
"""What 16 bits hold."""


def export_maps(maps: SceneMaps, folder: str | Path, formats: Sequence[str] = DEFAULT_FORMATS) -> list[Path]:
    """Write the maps in each of these ``FORMATS``; returns the paths in that order.

    Raises InvalidInput for an unknown format or maps that one cannot hold, StorageError where nothing can be written.
    """
    return [path for one in check_formats(formats) for path in FORMATS[one](maps, Path(folder))]


def check_formats(formats: Sequence[str]) -> list[str]:
    """The formats, each once; one alone needs no list. Raises InvalidInput for one that is not in ``FORMATS``."""
    chosen = [formats] if isinstance(formats, str) else list(dict.fromkeys(formats))
    for one in chosen:
        if one not in FORMATS:
            raise InvalidInput(f"Unknown format {one!r} for maps", f"Choose from: {', '.join(FORMATS)}")
    return chosen


def write_id_pngs(maps: SceneMaps, folder: Path) -> list[Path]:
    """instance_id.png (value = id) and category_id.png (0 = none), both 16 bit. Raises InvalidInput, StorageError."""
    if len(maps.instances) > _MOST:
        raise InvalidInput(f"A 16-bit PNG cannot number {len(maps.instances)} instances", "Export npz or exr instead")
    table = np.zeros(NO_CLASS + 1, np.uint16)
    classes = load(maps.vocabulary).classes
    table[: len(classes)] = [one.category_id for one in classes]
    write_png(folder / INSTANCE_FILE, maps.instance_map.astype(np.uint16))
    write_png(folder / CATEGORY_FILE, table[maps.class_map])
    return [folder / INSTANCE_FILE, folder / CATEGORY_FILE]


def write_maps_exr(maps: SceneMaps, path: Path) -> None:
    """All maps in one multilayer EXR, ids as unsigned integers. Raises StorageError."""
    channels = {f"normal.{axis}": maps.normal[..., index] for index, axis in enumerate("XYZ")}
    channels |= {"depth.Z": maps.depth, "instance.id": maps.instance_map, "class.id": maps.class_map.astype(np.uint32)}
    legend = {"legend": maps.legend(), "camera": maps.camera.to_dict()}
    texts = {f"segaddon/{name}": json.dumps(values, ensure_ascii=False) for name, values in legend.items()}
    write_exr(path, channels, texts)


def _exr(maps: SceneMaps, folder: Path) -> list[Path]:
    write_maps_exr(maps, folder / EXR_FILE)
    return [folder / EXR_FILE]


def _cryptomatte(maps: SceneMaps, folder: Path) -> list[Path]:
    write_cryptomatte(folder / CRYPTOMATTE_FILE, maps)
    return [folder / CRYPTOMATTE_FILE]


def _coco(maps: SceneMaps, folder: Path) -> list[Path]:
    return write_coco([("", maps)], folder)


FORMATS: dict[str, Callable[[SceneMaps, Path], list[Path]]] = {
    "npz": save_maps,
    "png": save_maps_images,
    "id_png": write_id_pngs,
    "coco": _coco,
    "exr": _exr,
    "cryptomatte": _cryptomatte,
}
