"""What a projection needs is found once for all pictures of the same maps, also before the first one is there."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon import api, capture
from blender_segaddon.flows import errands, keeping, preparing
from blender_segaddon.flows.picture import Picture, Recipe
from blender_segaddon.texturing import colour, evidence

from . import drawing
from .little import SIZE, gentle_picture, little_scene


@pytest.fixture
def scene() -> bpy.types.Scene:
    return little_scene()


def test_outlines_that_were_found_while_a_server_worked_are_used(scene):
    maps = api.capture(scene, size=SIZE)
    preparing.prepare(maps, lambda: False)
    ready = preparing.outlined(maps, scene).outlines
    assert ready is not None
    scene.objects["Left"].location.x += 3  # else they could be found anew
    bpy.context.view_layer.update()
    placed = api.project(Picture(gentle_picture(), Recipe(maps)), scene=scene)
    assert preparing.outlined(api.picture_of(placed).maps, scene).outlines is ready


def test_what_is_prepared_is_what_a_projection_takes(scene):
    """All but the picture itself: its evidence as files, the packed maps, and the view's inverse."""
    maps = api.capture(scene, size=SIZE)
    preparing.prepare(maps, lambda: False)
    known = preparing.outlined(maps, scene)
    keys = {one.id: one.key[0] for one in maps.instances}
    before = evidence.files(known, keys), keeping.packed_maps(maps), dict(colour._inverses)
    api.project(Picture(gentle_picture(), Recipe(maps)), scene=scene)
    assert evidence.files(known, keys) is before[0]
    assert keeping.packed_maps(maps) is before[1]
    assert colour._inverses == before[2]


def test_a_picture_that_comes_early_leaves_the_search_to_its_projection(scene):
    maps = api.capture(scene, size=SIZE)
    preparing.prepare(maps, lambda: True)
    assert api.project(Picture(gentle_picture(), Recipe(maps)), scene=scene) in api.placements()
    assert preparing.outlined(maps, scene).outlines is not None


def test_maps_are_packed_once(scene):
    maps = api.capture(scene, size=SIZE)
    assert keeping.packed_maps(maps) is keeping.packed_maps(maps)
    for shift in (0, 20):
        picture = Picture(gentle_picture() + np.uint8(shift), Recipe(maps, prompt="a harbour"))
        again = keeping.unpack(keeping.pack(picture), "the test", keeping.packed_maps(maps))
        assert (again.pixels == picture.pixels).all()
        assert (again.maps.instance_map == maps.instance_map).all()
        assert again.recipe.prompt == "a harbour"


def test_drawn_outlines_show_what_a_finer_render_shows():
    drawing.need_gpu()
    scene = little_scene()
    maps = capture.capture(scene, size=SIZE)
    found = capture.add_outlines(maps, scene).outlines
    k = found.factor
    fine = capture.capture(scene, size=(SIZE[0] * k, SIZE[1] * k))
    names = {one.object: one.id for one in maps.instances if not one.instancer}
    number = np.array([0, *(names.get(one.object, 0) for one in fine.instances)])[fine.instance_map]
    parts = number.reshape(SIZE[1], k, SIZE[0], k).transpose(0, 2, 1, 3)
    shared = found.block > 0
    own = np.isin(found.ids, list(names.values()))
    assert shared.sum() > 300
    assert (found.ids == parts[shared])[own].mean() > 0.99
    same = (parts == parts[:, :, :1, :1]).all(axis=(2, 3))
    assert shared[~same].mean() > 0.99


def test_a_closer_look_in_pieces_finds_the_same():
    """For a window, which must not wait: the scene is as it was after the first piece, the rest is read."""
    drawing.need_gpu()
    scene = little_scene()
    maps = capture.capture(scene, size=SIZE)
    fine, things = capture.FineLook(maps), [len(bpy.data.objects), len(bpy.data.scenes)]
    pieces = fine.draw(scene)
    next(pieces)
    assert [len(bpy.data.objects), len(bpy.data.scenes)] == things
    assert errands.InPieces(lambda: pieces, 3, "").take()
    fine.compare()
    found, wanted = fine.outlined.outlines, capture.add_outlines(maps, scene).outlines
    assert (found.block == wanted.block).all()
    assert (found.ids == wanted.ids).all()
