"""COCO data sets of maps: panoptic segments (JSON and PNGs) and instance annotations (JSON with run lengths).

Formats: cocodataset.org/#format-data; the text form of run lengths: maskApi.c of the COCO API.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..protocol.errors import InvalidInput, SegAddonError
from .atomic import write_atomic
from .maps import NO_CLASS, SceneMaps
from .png import write_png
from .runs import ColumnRuns
from .vocabulary import Vocabulary, load

PANOPTIC_FILE, INSTANCES_FILE, PANOPTIC_FOLDER = "coco_panoptic.json", "coco_instances.json", "coco_panoptic"
STUFF_START = 1 << 23
"""Segment ids: an instance of a thing has its id in ``instance_map``; all that shows one kind of stuff is one segment
with this plus the category's id. Ids are what three bytes hold."""


def write_coco(frames: Iterable[tuple[str, SceneMaps]], folder: str | Path, append: bool = False) -> list[Path]:
    """Write, or go on with, a data set; returns the paths of what was written, the two JSON files last.

    Frames are taken one at a time (a generator will do), and the JSON files are replaced when all are there.

    Args:
        frames: (file name of the picture that the maps belong to, maps); "" names it by its number ("000001.png").
        append: go on with a data set that is in the folder; its ids stay, new ones follow.

    Raises:
        InvalidInput: no frames, another vocabulary than the data set's, a damaged data set, too many instances.
        StorageError: the folder cannot be written.
    """
    folder, data, paths = Path(folder), None, []
    for name, maps in frames:
        data = data or _DataSet.begin(load(maps.vocabulary), folder if append else None)
        if maps.vocabulary != data.vocabulary.name:
            raise InvalidInput(
                f"The data set has classes of {data.vocabulary.name}, these maps of {maps.vocabulary}",
                "Capture all frames with one vocabulary",
            )
        paths.append(data.add(name, maps, folder / PANOPTIC_FOLDER))
    if data is None:
        raise InvalidInput("There are no maps to write", "Give the maps of at least one frame")
    for file, content in ((PANOPTIC_FILE, data.panoptic), (INSTANCES_FILE, data.instances)):
        body = {"info": _info(data.vocabulary), "licenses": [], "images": data.images}
        body |= {"annotations": content, "categories": _categories(data.vocabulary)}
        write_atomic(folder / file, json.dumps(body, allow_nan=False).encode())
        paths.append(folder / file)
    return paths


@dataclass
class _DataSet:
    """What the two JSON files will hold."""

    vocabulary: Vocabulary
    images: list[dict[str, Any]] = field(default_factory=list)
    panoptic: list[dict[str, Any]] = field(default_factory=list)
    instances: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def begin(cls, vocabulary: Vocabulary, folder: Path | None) -> _DataSet:
        """An empty one, or what the folder holds (None: do not look)."""
        if folder is None or not (folder / PANOPTIC_FILE).exists():
            return cls(vocabulary)
        try:
            panoptic, instances = (json.loads((folder / name).read_bytes()) for name in (PANOPTIC_FILE, INSTANCES_FILE))
            if panoptic["categories"] != _categories(vocabulary):
                raise InvalidInput(
                    f"The data set in {folder} has other classes than {vocabulary.name}", "Choose another folder"
                )
            return cls(vocabulary, panoptic["images"], panoptic["annotations"], instances["annotations"])
        except SegAddonError:
            raise
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise InvalidInput(f"The data set in {folder} is damaged ({error})", "Choose another folder") from error

    def add(self, name: str, maps: SceneMaps, folder: Path) -> Path:
        """Write the frame's PNG and note all that is in it; its path."""
        number = max((one["id"] for one in self.images), default=0) + 1
        path = folder / f"{number:06}.png"
        image = {"id": number, "file_name": name or path.name, "width": maps.width, "height": maps.height}
        segments = segment_map(maps, self.vocabulary)
        write_png(path, np.stack([segments >> shift & 255 for shift in (0, 8, 16)], axis=-1).astype(np.uint8))
        self.images.append(
            {**image, "scene": maps.scene, "frame": int(maps.frame) if maps.frame % 1 == 0 else maps.frame}
        )
        self.panoptic.append(
            {"image_id": number, "file_name": path.name, "segments_info": _segments(segments, maps, self.vocabulary)}
        )
        first = max((one["id"] for one in self.instances), default=0) + 1
        self.instances += _annotations(maps, self.vocabulary, number, first)
        return path


def segment_map(maps: SceneMaps, vocabulary: Vocabulary) -> np.ndarray:
    """uint32 H×W: panoptic segment ids (see ``STUFF_START``), 0 where there is no class. Raises InvalidInput."""
    if len(maps.instances) >= STUFF_START:
        raise InvalidInput(f"COCO cannot hold {len(maps.instances)} instances in one picture", "Export EXR instead")
    pairs = maps.instance_map.astype(np.uint64) << np.uint64(16) | maps.class_map
    known, where = np.unique(pairs, return_inverse=True)
    ids, spare = np.zeros(len(known), np.uint32), len(maps.instances)
    for index, (instance, class_id) in enumerate(divmod(pair, 1 << 16) for pair in known.tolist()):
        if class_id == NO_CLASS:
            continue
        one = vocabulary.classes[class_id]
        if not one.is_thing or not instance:
            ids[index] = STUFF_START + one.category_id
        elif class_id == maps.instance(instance).class_id:
            ids[index] = instance
        else:  # a part that is another thing than the whole
            spare += 1
            ids[index] = spare
    return ids[where.reshape(pairs.shape)]


def _segments(segments: np.ndarray, maps: SceneMaps, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    runs = ColumnRuns.of(segments)
    found = []
    for id, area, box, first in zip(runs.ids.tolist(), runs.areas, runs.boxes, runs.first, strict=True):
        if id == 0:
            continue  # no class
        x, y = divmod(int(runs.start[first]), maps.height)  # a pixel of it says what it is
        category = vocabulary.classes[maps.class_map[y, x]].category_id
        row = {"id": id, "category_id": category, "area": int(area), "bbox": _box(box), "iscrowd": 0}
        named = {} if id >= STUFF_START else {"object": _text(maps.instance(int(maps.instance_map[y, x])).object)}
        found.append(row | named)
    return found


def _annotations(maps: SceneMaps, vocabulary: Vocabulary, image: int, first: int) -> list[dict[str, Any]]:
    """Every instance that has a class and a pixel, things and stuff; ids from ``first``."""
    runs = ColumnRuns.of(maps.instance_map)
    found = []
    for id, area, box, counts in zip(runs.ids, runs.areas, runs.boxes, runs.coco_counts(), strict=True):
        one = maps.instance(int(id)) if id else None
        if one is None or one.class_id == NO_CLASS:
            continue
        found.append(
            {
                "id": first + len(found),
                "image_id": image,
                "category_id": vocabulary.classes[one.class_id].category_id,
                "segmentation": {"size": [maps.height, maps.width], "counts": counts},
                "area": int(area),
                "bbox": _box(box),
                "iscrowd": 0,
                "instance_id": one.id,
                "object": _text(one.object),
                "instancer": _text(one.instancer),
            }
        )
    return found


def _categories(vocabulary: Vocabulary) -> list[dict[str, Any]]:
    return [
        {
            "id": one.category_id,
            "name": one.name,
            "supercategory": "thing" if one.is_thing else "stuff",
            "isthing": int(one.is_thing),
            "color": list(one.color),
        }
        for one in vocabulary.classes
    ]


def _info(vocabulary: Vocabulary) -> dict[str, str]:
    return {"description": f"Scene maps, classes of {vocabulary.name}", "version": "1.0"}


def _box(corners: np.ndarray) -> list[int]:
    """(x0, y0, x1, y1) with exclusive ends → COCO's x, y, width, height."""
    x0, y0, x1, y1 = (int(one) for one in corners)
    return [x0, y0, x1 - x0, y1 - y0]


def _text(name: str) -> str:
    """JSON readers take no half characters, which names in old .blend files can hold."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
