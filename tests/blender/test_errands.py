"""Tasks that need maps and pictures on their way: not waited for, cancelled, and gone wrong in the middle."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon import api
from blender_segaddon.flows import updating
from blender_segaddon.flows.errands import Errand, Look, carried_out
from blender_segaddon.protocol.errors import Cancelled, InvalidInput, SceneError

from .little import SIZE, camera, little_scene


@pytest.fixture
def scene() -> bpy.types.Scene:
    scene = little_scene()
    camera(scene, "Side", (7, -4, 4), (0, 0, 0.5))
    return scene


@pytest.fixture
def placed(scene) -> api.Placement:
    return api.project(api.generate("autumn", maps=api.capture(scene, size=SIZE), seed=1)[0])


def waited_for(job: Errand) -> int:
    """How often it had to be asked; Blender's window is alive in between."""
    times = 1
    while not job.done():
        assert job.message
        assert 0 <= job.progress <= 1
        job.wait(0.05)
        times += 1
    return times


def test_the_window_lives_while_a_view_is_painted(scene, placed):
    job = api.start_next_view(scene.objects["Side"], seed=2, scene=scene)
    assert api.placements() == [placed]
    assert waited_for(job) > 2
    second = job.result()
    assert [one.name for one in api.placements()] == [placed.name, second.name]
    scene.objects["Left"].location.x += 0.5
    bpy.context.view_layer.update()
    job = api.start_update(api.placements()[0])
    waited_for(job)
    assert len(job.result()) == 2
    job = api.start_repaint_view(api.placements()[1], "winter", seed=3)
    assert api.picture_of(job.result()[0]).recipe.prompt == "winter"  # waited for at once


@pytest.mark.parametrize("asked", [0, 1, 2])
def test_a_cancel_leaves_all_as_it_was(scene, placed, asked):
    pixels = api.picture_of(placed).pixels
    scene.objects["Left"].location.x += 0.5
    bpy.context.view_layer.update()
    for job in (api.start_next_view(scene.objects["Side"], scene=scene), api.start_update(placed)):
        for _ in range(asked):
            job.done()
        job.cancel()
        with pytest.raises(Cancelled):
            job.result()
        assert job.done()
    assert api.placements() == [placed]
    assert (api.picture_of(placed).pixels == pixels).all()


def test_a_backdrop_that_was_taken_out_for_a_look_comes_back(scene):
    picture = api.generate("autumn", maps=api.capture(scene, size=SIZE), seed=1)[0]
    placed = api.backdrop(picture, foreground=["Left"])
    scene.camera.location.z += 500  # sees nothing
    scene.camera.rotation_euler = (np.pi, 0, 0)
    bpy.context.view_layer.update()
    with pytest.raises(SceneError):
        api.update(placed)
    (again,) = api.placements()
    assert (again.name, again.objects) == (placed.name, placed.objects)
    assert not scene.objects["Ground"].visible_camera


def test_a_backdrop_may_come_back_by_another_name(scene):
    picture = api.generate("autumn", maps=api.capture(scene, size=SIZE), seed=1)[0]
    first = api.backdrop(picture, foreground=["Left"])
    second = api.backdrop(picture, foreground=["Left"])
    api.remove_placement(first)
    second = api.show_placement(second, False)
    scene.objects["Left"].location.x += 0.5
    bpy.context.view_layer.update()
    again = api.update(second)
    assert api.placements() == [again]
    assert not again.shown


def test_the_window_lives_while_a_camera_is_looked_for(scene, placed):
    """Trial by trial; a cancel in the middle leaves nothing, and what is found is what waiting finds."""
    before, scenes = set(scene.objects), len(bpy.data.scenes)
    job = api.start_suggest_cameras(2, scene=scene)
    assert not job.done()
    assert job.holds_scene()
    assert job.message == "Looking around"
    job.cancel()
    with pytest.raises(Cancelled):
        job.result()
    assert (set(scene.objects), len(bpy.data.scenes)) == (before, scenes)
    job = api.start_suggest_cameras(2, scene=scene)
    waited_for(job)
    found = [one.matrix_world.copy() for one in job.result()]
    for one in set(scene.objects) - before:
        bpy.data.objects.remove(one)
    assert [one.matrix_world for one in api.suggest_cameras(2, scene=scene)] == found
    assert len(bpy.data.scenes) == scenes


def test_the_lower_of_two_backdrops_stays_below(scene):
    maps = api.capture(scene, size=SIZE)
    one, other = (api.generate(prompt, maps=maps, seed=1)[0] for prompt in ("autumn", "winter"))
    lower, upper = (api.backdrop(picture, foreground=["Left"]) for picture in (one, other))
    hidden = {one.name for one in scene.objects if not one.visible_camera}
    scene.objects["Left"].location.x += 0.5
    bpy.context.view_layer.update()
    api.update(lower)
    assert [api.picture_of(placed).recipe.prompt for placed in api.placements()] == ["autumn", "winter"]
    assert api.placements()[1].name == upper.name
    assert {one.object for one in api.picture_of(api.placements()[0]).maps.instances} >= {"Left", "Ground", "Right"}
    assert {one.name for one in scene.objects if not one.visible_camera} == hidden


def test_letting_go_of_a_look_makes_and_removes_nothing(scene):
    """Blender may be reading the scene in another thread just then."""

    def blocks() -> set[int]:
        kinds = (bpy.data.node_groups, bpy.data.images, bpy.data.worlds, bpy.data.materials, bpy.data.objects)
        return {one.as_pointer() for kind in kinds for one in kind}

    picture = api.generate("autumn", maps=api.capture(scene, size=SIZE), seed=1)[0]
    placed = api.backdrop(picture, foreground=["Left"])
    before, nodes = blocks(), len(scene.world.node_tree.nodes)
    task = updating.update(placed)
    assert isinstance(next(task), Look)
    assert scene.objects["Ground"].visible_camera
    assert blocks() == before
    task.close()
    assert blocks() == before
    assert len(scene.world.node_tree.nodes) == nodes
    assert not scene.objects["Ground"].visible_camera
    assert api.placements() == [placed]


def test_what_is_gone_meanwhile_is_said(scene, placed):
    job = api.start_update(placed)
    job.done()
    api.remove_placement(placed)
    with pytest.raises(InvalidInput, match="not in scene"):
        job.result()
    assert api.placements() == []


def test_errors_reach_the_task_and_its_values_the_asker():
    def task():
        try:
            yield lambda: 1 / 0
        except ZeroDivisionError:
            return (yield lambda: 7)

    def unable(_recipe):
        raise AssertionError

    assert carried_out(task(), unable) == 7
    assert Errand(task(), unable).result() == 7
