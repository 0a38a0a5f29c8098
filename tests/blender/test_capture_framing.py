"""Cameras that the add-on makes."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon.capture import add_framing_camera, capture, second_camera
from blender_segaddon.protocol.errors import SceneError

from . import scenes


def framed(scene, size=(160, 90)):
    return capture(scene, camera=add_framing_camera(scene), size=size)


def touches_the_edge(maps, name):
    boxes = np.array([one.bbox for one in maps.instances if one.object == name])
    return (boxes[:, :2] == 0).any() or (boxes[:, 2:] == (maps.width, maps.height)).any()


@pytest.mark.parametrize("resolution", [(1920, 1080), (800, 1200)])
@pytest.mark.parametrize("scale", [0.01, 1.0, 3000.0])
def test_a_thing_fills_the_picture_at_any_scale(scale, resolution):
    scene = scenes.empty()
    scene.render.resolution_x, scene.render.resolution_y = resolution
    scenes.add("Thing", scenes.mesh(), (5 * scale, 0, 0), scale=(scale, scale, scale))
    maps = framed(scene, (resolution[0] // 10, resolution[1] // 10))
    x0, y0, x1, y1 = maps.instances[0].bbox
    assert max((x1 - x0) / maps.width, (y1 - y0) / maps.height) > 0.8
    assert not touches_the_edge(maps, "Thing")
    assert maps.normal[maps.instance_map > 0][:, 1].max() > 0.2  # its top is seen: from above


def test_sky_domes_endless_grounds_and_strays_do_not_count():
    scene = scenes.empty()
    for index in range(12):
        scenes.add(f"House {index}", scenes.mesh(name=f"House {index}"), (index % 4 * 2, index // 4 * 2, 0.5))
    scenes.add("Ground", scenes.mesh("plane", "Ground", 5000))
    scenes.add("Dome", scenes.mesh("ball", "Dome", 9000))
    scenes.add("Stray", scenes.mesh(name="Stray"), (400, 0, 0))
    maps = framed(scene)
    houses = [one for one in maps.instances if one.object.startswith("House")]
    assert len(houses) == 12
    assert max(one.bbox[2] for one in houses) - min(one.bbox[0] for one in houses) > 0.5 * maps.width
    assert "Ground" in {one.object for one in maps.instances}
    assert scene.camera.data.clip_end > 4500  # the dome is not cut off


def test_a_flat_layout_is_seen_from_above_with_every_part():
    scene = scenes.empty()
    for index in range(100):
        data = scenes.mesh(name=f"Block {index}")
        scenes.add(
            f"Block {index}", data, (index % 10 * 1.5, index // 10 * 1.5, 0.5), scale=(1, 1, 1 + index % 3 * 0.3)
        )
    maps = framed(scene)
    assert len(maps.instances) == 100
    assert maps.camera.matrix_world[2, 2] > 0.5  # looks down by more than 30°


def test_a_closed_room_is_seen_from_inside():
    scene = scenes.empty()
    scenes.add("Room", scenes.mesh(name="Room"), (0, 0, 1.5), scale=(6, 4, 3))
    for index, at in enumerate(((-2.4, -1.4), (-2.4, 1.4), (2.4, -1.4), (2.4, 1.4), (0, 1.5), (0.3, -1.2))):
        scenes.add(f"Chair {index}", scenes.mesh(name=f"Chair {index}", size=0.6), (*at, 0.3))
    maps = framed(scene)
    x, y, z = maps.camera.matrix_world[:3, 3]
    assert abs(x) < 3 and abs(y) < 2 and 0 < z < 3
    assert (maps.instance_map > 0).all()
    assert len(maps.instances) >= 5


def test_nothing_to_frame():
    scene = scenes.empty()
    scenes.add("Hidden", scenes.mesh(), hide_render=True)
    with pytest.raises(SceneError, match="no visible object"):
        add_framing_camera(scene)
    assert not bpy.data.cameras


def test_a_side_view_shows_the_same_from_elsewhere():
    scene = scenes.everything()
    maps = capture(scene, size=(160, 90))
    side = second_camera(scene, scene.camera, maps)
    other = capture(scene, camera=side, size=(160, 90))
    before, after = maps.camera.matrix_world, other.camera.matrix_world
    assert 20 < np.degrees(np.arccos(before[:3, 2] @ after[:3, 2])) < 35
    assert after[2, 3] == pytest.approx(before[2, 3], abs=1e-4)
    first = {(one.instancer, one.object, one.persistent_id) for one in maps.instances}
    second = {(one.instancer, one.object, one.persistent_id) for one in other.instances}
    assert len(first & second) > 0.8 * len(first)


def test_a_side_view_does_not_go_into_a_wall():
    scene = scenes.everything()
    scenes.add("Wall", scenes.mesh(), (4.5, -8, 3), scale=(3, 8, 8))
    maps = capture(scene, size=(160, 90))
    other = capture(scene, camera=second_camera(scene, scene.camera, maps), size=(160, 90))
    assert other.camera.matrix_world[0, 3] < 2
    assert len(other.instances) > 0.6 * len(maps.instances)
