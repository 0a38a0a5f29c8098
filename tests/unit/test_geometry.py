"""Classes by shape, on maps of boxes and planes that are rendered here ray by ray."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blender_segaddon.core.camera import Camera
from blender_segaddon.core.geometry import classified
from blender_segaddon.core.maps import NO_CLASS, Instance, SceneMaps
from blender_segaddon.core.vocabulary import load

SIZE = (96, 64)


def look(at, towards) -> Camera:
    """A camera with a field of view of 90°."""
    at, towards = np.array(at, float), np.array(towards, float)
    back = (at - towards) / np.linalg.norm(at - towards)
    right = np.cross((0, 0, 1.0), back)
    right /= np.linalg.norm(right)
    world = np.eye(4)
    world[:3, :4] = np.stack([right, np.cross(back, right), back, at], axis=-1)
    width, height = SIZE
    projection = np.array([[1, 0, 0, 0], [0, width / height, 0, 0], [0, 0, -1.002, -0.2], [0, 0, -1, 0]], float)
    return Camera("PERSP", width, height, 0.1, 100.0, world, projection, "Camera")


def render(camera: Camera, boxes: list[tuple[tuple, tuple]], **named: str) -> SceneMaps:
    """Maps of axis-aligned boxes (low, high), seen from inside too; ``named``: "i3"="bed" gives the third a class."""
    origin = camera.matrix_world[:3, 3]
    rays = camera.rays().reshape(-1, 3) @ camera.matrix_world[:3, :3].T
    best, ids, normals = np.full(len(rays), np.inf), np.zeros(len(rays), np.uint32), np.zeros((len(rays), 3))
    for number, (low, high) in enumerate(boxes, start=1):
        with np.errstate(divide="ignore", invalid="ignore"):
            near = np.minimum((np.array(low) - origin) / rays, (np.array(high) - origin) / rays)
            far = np.maximum((np.array(low) - origin) / rays, (np.array(high) - origin) / rays)
        enter, leave = np.nanmax(near, axis=-1), np.nanmin(far, axis=-1)
        inside = enter <= 0
        depth = np.where(inside, leave, enter)
        axis = np.where(inside, np.nanargmin(far, axis=-1), np.nanargmax(near, axis=-1))
        hit = (enter <= leave) & (leave > 0) & (depth < best)
        best[hit], ids[hit] = depth[hit], number
        normals[hit] = -np.eye(3)[axis[hit]] * np.sign(rays[hit, axis[hit]])[:, None]
    around = [all(np.array(low) < origin) and all(origin < np.array(high)) for low, high in boxes]
    shape = (camera.height, camera.width)
    instances = [_instance(number, (ids == number).sum(), around[number - 1]) for number in range(1, len(boxes) + 1)]
    for key, name in named.items():
        found, index = load("ade20k").lookup(name), int(key[1:]) - 1
        instances[index] = replace(instances[index], class_id=found.id, class_name=name, class_source="object name")
    table = np.array([NO_CLASS, *(one.class_id for one in instances)], np.uint16)
    view = (normals @ camera.matrix_world[:3, :3]).astype(np.float32).reshape(*shape, 3)
    ids = ids.reshape(shape)
    return SceneMaps(ids, table[ids], best.reshape(shape).astype(np.float32), view, tuple(instances), camera)


def _instance(number: int, pixels: int, around: bool) -> Instance:
    none = (number, "Cube", (), None, NO_CLASS, "none", "", int(pixels), (0, 0, 1, 1))
    return Instance(*none, around_camera=bool(around))


GROUND = ((-20, -20, -0.1), (20, 20, 0))
BLOCKS = [((-3, 4, 0), (-1, 6, 2)), ((1, 5, 0), (3, 7, 4)), ((-8, 9, 0), (-5, 12, 3))]
FLOOR, CEILING = ((-3, -3, -0.1), (3, 3, 0)), ((-3, -3, 2.6), (3, 3, 2.7))
WALLS = [((-3, 3, 0), (3, 3.1, 2.6)), ((3, -3, 0), (3.1, 3, 2.6)), ((-3.1, -3, 0), (-3, 3, 2.6))]


def names(maps: SceneMaps) -> list[str | None]:
    found = classified(maps)
    for one in found.instances:
        if one.pixels:
            assert (found.class_map[found.instance_map == one.id] == one.class_id).all()
        assert (one.class_source == "geometry") == (0 < one.class_score <= 0.8)
    return [one.class_name for one in found.instances]


def test_the_ground_under_blocks_outdoors():
    assert names(render(look((0, -6, 2), (0, 5, 1)), [GROUND, *BLOCKS])) == ["earth", None, None, None]


@pytest.mark.parametrize("unit", [1.0, 100.0, 0.01])
def test_a_room_of_boxes_at_any_scale(unit):
    furniture = [((-1, 1, 0), (0.5, 2, 0.5)), ((1.5, 1.5, 0), (2.2, 2.4, 1.6))]
    scaled = [tuple(tuple(unit * v for v in corner) for corner in box) for box in [FLOOR, CEILING, *WALLS, *furniture]]
    at, towards = (-2.5 * unit, -2.5 * unit, 1.6 * unit), (1 * unit, 2 * unit, 1.2 * unit)
    assert names(render(look(at, towards), scaled)) == ["floor", "ceiling", "wall", "wall", "wall", None, None]


def test_a_sky_dome():
    dome = ((-500, -500, -500), (500, 500, 500))
    assert names(render(look((0, -6, 2), (0, 5, 1)), [GROUND, *BLOCKS, dome]))[-1] == "sky"


def test_a_room_in_one_piece():
    maps = render(
        look((-2.5, -2.5, 1.6), (1, 2, 1.2)), [((-3, -3, 0), (3, 3, 2.6)), ((-1, 1, 0), (0.5, 2, 0.5))], i2="bed"
    )
    assert names(maps) == ["wall", "bed"]


@pytest.mark.parametrize(
    "boxes",
    [
        [((-1, 2, 0.7), (1, 3, 0.75)), ((-0.9, 2, 0), (-0.8, 3, 0.7)), GROUND],  # a table top over the ground
        [((-3, 4, 0), (-2, 5, 6)), GROUND],  # a tower
    ],
)
def test_what_may_be_anything_has_no_class(boxes):
    assert names(render(look((0, -1, 2), (0, 5, 0)), boxes))[0] is None


def test_one_thing_alone_and_one_with_words_or_a_known_misfit_say_nothing():
    assert names(render(look((0, -6, 2), (0, 5, 1)), [GROUND])) == [None]
    maps = render(look((0, -6, 2), (0, 5, 1)), [GROUND, *BLOCKS])
    for change in ({"text": "lava"}, {"class_source": "object name"}):
        told = replace(maps, instances=(replace(maps.instances[0], **change), *maps.instances[1:]))
        assert classified(told).instances[0].class_name is None
