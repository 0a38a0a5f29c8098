"""What a picture says of itself is enough to make it again: in this session, in another, and from a PNG file."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon import api
from blender_segaddon.core.png import read_text
from blender_segaddon.flows.picture import forget_all
from blender_segaddon.protocol.errors import InvalidInput

from .test_api import maps, scene  # noqa: F401  # fixtures


@pytest.fixture
def picture(maps):  # noqa: F811
    return api.generate("sunset", maps=maps, seed=3, negative_prompt="people", regions={"House": "red brick"})[0]


def test_in_this_session(picture):
    again = api.regenerate(picture)
    assert (again.pixels == picture.pixels).all()
    assert again.meta["again"] == "identical"


def test_by_the_image_after_the_session_is_forgotten(picture, maps):  # noqa: F811
    image = picture.image
    forget_all()
    assert api.record_of(image)["texts"]["House"] == "red brick"
    again = api.regenerate(image, maps=maps)
    assert (again.pixels == picture.pixels).all() and again.meta["again"] == "identical"
    assert again.meta["prompt"] == "sunset" and again.recipe.negative_prompt == "people"


def test_by_a_png_file_and_the_scene_as_it_is(picture, tmp_path):
    api.save(picture, tmp_path / "a.png")
    assert set(read_text(tmp_path / "a.png")) == {"segaddon"}
    assert api.record_of(tmp_path / "a.png") == {**picture.meta}
    forget_all()
    images = len(bpy.data.images)
    again = api.regenerate(tmp_path / "a.png")
    assert len(bpy.data.images) == images
    assert (again.pixels == picture.pixels).all(), again.meta["again"]


def test_another_scene_is_said(picture, tmp_path):
    api.save(picture, tmp_path / "a.png")
    forget_all()
    bpy.data.objects["Car"].location.x -= 1.0
    again = api.regenerate(tmp_path / "a.png")
    assert again.meta["again"].startswith("approximate: maps was ")


def test_what_began_with_another_picture_is_refused_once_that_is_gone(picture):
    image = api.variation(picture, 0.4, seed=1)[0].image
    forget_all()
    with pytest.raises(InvalidInput, match="made from others"):
        api.regenerate(image)


def test_variations_begin_with_the_picture_and_keep_what_was_asked(picture):
    near, far = (api.variation(picture, amount, seed=5)[0] for amount in (0.1, 0.9))
    assert near.meta["prompt"] == "sunset" and near.maps is not None
    difference = [np.abs(one.pixels.astype(int) - picture.pixels).mean() for one in (near, far)]
    assert difference[0] < difference[1]
    assert len({one.meta["seed"] for one in api.variation(picture, count=2)}) == 2
    with pytest.raises(InvalidInput, match="was not made here"):
        api.variation(np.zeros((8, 8, 3), np.uint8))


def test_references_of_objects_out_of_sight_are_said(picture, maps):  # noqa: F811
    with pytest.raises(InvalidInput, match="sees no Nothing"):
        api.generate(maps=maps, references=[api.Reference(picture, 1.0, "Nothing")])
    made = api.generate("x", maps=maps, references=[picture, api.Reference(picture, 0.5, "House")], seed=1)[0]
    (house,) = (one.id for one in maps.instances if one.object == "House")
    assert [one.instances for one in made.recipe.references] == [(), (house,)]
    placement = api.project(made)
    forget_all()
    kept = api.picture_of(placement)
    assert [one.weight for one in kept.recipe.references] == [1.0, 0.5]
    assert (kept.recipe.references[0].pixels == picture.pixels).all()


def test_pictures_from_elsewhere_have_no_record(tmp_path):
    api.save(np.zeros((4, 4, 3), np.uint8), tmp_path / "plain.png")
    assert api.record_of(tmp_path / "plain.png") == {}
    with pytest.raises(InvalidInput, match="was not made here"):
        api.regenerate(tmp_path / "plain.png")
    (tmp_path / "no.png").write_bytes(b"nothing")
    with pytest.raises(InvalidInput, match="is no PNG file"):
        api.record_of(tmp_path / "no.png")
