"""Maps to the wire and back."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from blender_segaddon.core.camera import Camera
from blender_segaddon.core.maps import NO_CLASS, Instance, SceneMaps
from blender_segaddon.core.wire import scene_from_wire, scene_to_wire
from blender_segaddon.protocol.checks import check_generate
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.framing import BodyWriter, read_body
from blender_segaddon.protocol.messages import GenerateRequest


def some_maps(height: int, width: int) -> SceneMaps:
    """Two instances side by side before a background; arrays as a capture gives them, one of them not contiguous."""
    ids = np.zeros((height, width), np.uint32)
    ids[height // 2 :, : width // 2] = 1
    ids[height // 2 :, width // 2 :] = 2
    depth = np.where(ids == 0, np.float32(np.inf), np.float32(5.5))
    normal = np.zeros((height, width, 3), np.float32)
    normal[ids > 0] = (0, 0, 1)
    camera = Camera("PERSP", width, height, 0.1, 100.0, np.eye(4), np.diag([1.5, 2.0, -1.0, 1.0]), name="Camera")
    return SceneMaps(
        instance_map=ids,
        class_map=np.ascontiguousarray(ids.astype(np.uint16)[::-1])[::-1],
        depth=depth,
        normal=normal,
        instances=tuple(
            Instance(id, f"Object {id}", (1.0,) * 16, "tree", 4, "object name", f"tree {id} é", 9, (0, 0, 1, 1))
            for id in (1, 2)
        ),
        camera=camera,
        unit_scale=0.01,
    )


def sent(maps: SceneMaps) -> SceneMaps:
    writer = BodyWriter()
    data = b"".join(writer.finish(GenerateRequest("preview", scene=scene_to_wire(maps, writer))))
    body = read_body(data)
    request = body.message(GenerateRequest)
    check_generate(request)
    assert request.scene
    return scene_from_wire(request.scene, body)


def test_maps_arrive_exactly():
    maps = some_maps(6, 10)
    got = sent(maps)
    for name in ("instance_map", "class_map", "depth", "normal"):
        assert np.array_equal(getattr(got, name), getattr(maps, name)), name
        assert getattr(got, name).dtype == getattr(maps, name).dtype
        assert not getattr(got, name).flags.writeable
    assert [(one.id, one.class_id, one.text) for one in got.instances] == [(1, 4, "tree 1 é"), (2, 4, "tree 2 é")]
    assert got.camera.to_dict() == {**maps.camera.to_dict(), "name": ""}
    assert (got.unit_scale, got.vocabulary, got.background) == (0.01, "ade20k", "sky")


def test_a_meadow_of_fifty_thousand_instances_travels():
    ids = np.arange(1, 224 * 224 + 1, dtype=np.uint32).reshape(224, 224)
    maps = some_maps(224, 224)
    blades = tuple(dataclasses.replace(maps.instances[0], id=int(id), text="") for id in ids.flat)
    got = sent(dataclasses.replace(maps, instance_map=ids, instances=blades))
    assert len(got.instances) == 224 * 224


def test_names_of_objects_do_not_travel():
    writer = BodyWriter()
    data = b"".join(writer.finish(scene_to_wire(some_maps(4, 4), writer)))
    assert b"Object 1" not in data


@pytest.mark.parametrize(
    ("name", "value"),
    [("instance_map", 3), ("class_map", 150), ("depth", np.nan), ("normal", np.inf)],
)
def test_maps_that_make_no_sense_are_refused(name: str, value: float):
    maps = some_maps(4, 4)
    broken = getattr(maps, name).copy()
    broken.flat[0] = value
    with pytest.raises(InvalidInput):
        sent(dataclasses.replace(maps, **{name: broken}))


def test_no_class_travels_and_an_unknown_vocabulary_is_refused():
    maps = some_maps(4, 4)
    unclassed = dataclasses.replace(maps, class_map=np.full((4, 4), NO_CLASS, np.uint16))
    assert (sent(unclassed).class_map == NO_CLASS).all()
    with pytest.raises(InvalidInput, match=r"klingon.*ade20k"):
        sent(dataclasses.replace(maps, vocabulary="klingon"))
