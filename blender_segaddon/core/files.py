"""The files of a capture: exact maps to work on, pictures of them to look at."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ..protocol.errors import InvalidInput
from . import colourise, vocabulary_files
from .atomic import encode_json, write_atomic
from .camera import Camera
from .coverage import Coverage
from .maps import SCHEMA_VERSION, Inexact, Instance, SceneMaps
from .png import write_png
from .vocabulary import load

MAPS_FILE, LEGEND_FILE, CAMERA_FILE = "maps.npz", "legend.json", "camera.json"
_ARRAYS = {"instance_map": np.uint32, "class_map": np.uint16, "depth": np.float32, "normal": np.float32}
_COVERAGE = {"coverage_ids": np.uint32, "coverage_weights": np.float32}
"""H×W×R, only in maps that were captured with coverage"""


def save_maps(maps: SceneMaps, folder: str | Path) -> list[Path]:
    """Write maps.npz, legend.json and camera.json; returns their paths. Raises StorageError."""
    files = {Path(folder) / name: data for name, data in encode_maps(maps).items()}
    for path, data in files.items():
        write_atomic(path, data)
    return list(files)


def encode_maps(maps: SceneMaps, *, readable: bool = True) -> dict[str, bytes]:
    """What ``save_maps`` writes, by file name; quicker where people need not read it."""
    arrays = {name: getattr(maps, name).astype(dtype, copy=False) for name, dtype in _ARRAYS.items()}
    if maps.coverage is not None:
        arrays |= {"coverage_ids": maps.coverage.ids, "coverage_weights": maps.coverage.weights}
    archive = BytesIO()  # not straight into a file: a ZipFile whose disk is full complains once more when it is freed
    np.savez(archive, **arrays)
    legend, camera = (encode_json(data, readable=readable) for data in (maps.legend(), maps.camera.to_dict()))
    return {MAPS_FILE: archive.getvalue(), LEGEND_FILE: legend, CAMERA_FILE: camera}


def save_maps_images(maps: SceneMaps, folder: str | Path) -> list[Path]:
    """Write semantic_map.png, instance_map.png, depth.png and normal.png as ``colourise`` shows them.

    Returns their paths. Raises StorageError. Colours cannot be turned back into values: for those see ``save_maps``.
    """
    images = maps_images(maps)
    paths = [Path(folder) / f"{name}.png" for name in images]
    for path, image in zip(paths, images.values(), strict=True):
        write_png(path, image)
    return paths


def maps_images(maps: SceneMaps) -> dict[str, np.ndarray]:
    """The four maps for the eye by file name without suffix, uint8 H×W×3 each."""
    return {
        "semantic_map": colourise.semantic_image(maps.class_map, load(maps.vocabulary)),
        "instance_map": colourise.instance_image(maps.instance_map),
        "depth": colourise.depth_image(maps.depth),
        "normal": colourise.normal_image(maps.normal),
    }


def load_maps(folder: str | Path) -> SceneMaps:
    """What ``save_maps`` wrote. Raises InvalidInput where files are missing, damaged or of a newer schema."""
    folder = Path(folder)
    try:
        files = {name: (folder / name).read_bytes() for name in (MAPS_FILE, LEGEND_FILE, CAMERA_FILE)}
    except OSError as error:
        raise InvalidInput(f"No maps in {folder}: {error.strerror or error}", "Give a folder of saved maps") from error
    return decode_maps(files, str(folder))


def decode_maps(files: Mapping[str, bytes], where: str) -> SceneMaps:
    """What ``encode_maps`` gave; ``where`` it was kept, for the error. Raises InvalidInput as ``load_maps``."""
    try:
        legend = json.loads(files[LEGEND_FILE])
        camera = Camera.from_dict(json.loads(files[CAMERA_FILE]))
        with np.load(BytesIO(files[MAPS_FILE]), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in (*_ARRAYS, *_COVERAGE) if name in stored or name in _ARRAYS}
        if legend["schema_version"] != SCHEMA_VERSION:
            raise InvalidInput(f"{where} holds maps of schema {legend['schema_version']}", "Capture the scene again")
        _check(arrays, camera)
        return _from_legend(legend, camera, arrays)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"The maps in {where} are damaged ({error})", "Capture the scene again") from error


def _check(arrays: dict[str, np.ndarray], camera: Camera) -> None:
    size = (camera.height, camera.width)
    for name, array in arrays.items():
        expected = (*size, 3) if name == "normal" else (*size, *array.shape[2:3]) if name in _COVERAGE else size
        if array.dtype != (_ARRAYS | _COVERAGE)[name] or array.shape != expected:
            raise ValueError(f"{name} is {array.dtype} {array.shape}")


def _from_legend(legend: dict[str, Any], camera: Camera, arrays: dict[str, np.ndarray]) -> SceneMaps:
    """``SceneMaps`` of the legend and the arrays; keys that older files lack take their defaults."""
    if "classes" in legend:
        vocabulary_files.remember(legend["vocabulary"], legend["classes"])
    soft = [arrays.pop(name) for name in _COVERAGE if name in arrays]
    optional = ("vocabulary", "background", "unit_scale", "scene", "frame", "engine", "split")
    return SceneMaps(
        **arrays,
        coverage=Coverage(*soft, samples=legend["coverage_samples"]) if soft else None,
        camera=camera,
        instances=tuple(Instance.from_dict(one) for one in legend["instances"]),
        inexact=tuple(Inexact(**one) for one in legend.get("inexact", ())),
        **{key: legend[key] for key in optional if key in legend},
    )
