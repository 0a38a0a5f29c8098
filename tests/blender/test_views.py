"""Several views of one scene, painted by a known function of the place in the world."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest

from blender_segaddon import api, texturing
from blender_segaddon.flows import picture as pictures
from blender_segaddon.flows import placing, updating, views
from blender_segaddon.flows.errands import carried_out
from blender_segaddon.flows.picture import Picture, Recipe
from blender_segaddon.protocol.errors import InvalidInput, SceneError

from .little import camera, little_scene

SIZE = (144, 96)


def texture(points: np.ndarray, shift: float = 0.0) -> np.ndarray:
    """float …×3, display-referred 0..255: a smooth colour for each place in the world."""
    x, y, z = np.moveaxis(np.nan_to_num(points, posinf=0.0, neginf=0.0), -1, 0)
    waves = [np.sin(0.5 * x + 0.3 * z + shift), np.cos(0.4 * y - 0.3 * z), np.sin(0.3 * (x + y) + 0.5 * z)]
    return 128 + 50 * np.stack(waves, axis=-1)


class Painter:
    """Paints the texture where it is asked to, and counts what it painted."""

    def __init__(self, shift: float = 0.0) -> None:
        self.shift, self.masks = shift, []

    def __call__(self, recipe: Recipe) -> Picture:
        maps = recipe.maps
        pixels = np.rint(texture(maps.camera.world_points(maps.depth), self.shift)).astype(np.uint8)
        pixels[maps.instance_map == 0] = (90, 130, 200)
        self.masks.append(recipe.mask)
        if recipe.mask is not None:
            pixels = np.where(recipe.mask[..., None], pixels, recipe.image)
        return Picture(pixels, recipe)


def next_view(scene: bpy.types.Scene, recipe: Recipe, make: Painter) -> api.Placement:
    return carried_out(views.next_view(scene.name, recipe), make)


def replace_view(placement: api.Placement, picture: Picture, make: Painter) -> list[api.Placement]:
    return carried_out(views.replace_view(placement, picture), make)


def update(placement: api.Placement, make: Painter) -> list[api.Placement]:
    return carried_out(updating.update(placement), make)


@pytest.fixture
def scene() -> bpy.types.Scene:
    scene = little_scene()
    scene.view_settings.view_transform = "Standard"
    camera(scene, "Side", (7, -4, 4), (0, 0, 0.5))
    camera(scene, "Back", (-4, 7, 4), (0, 0, 0.5))
    return scene


def shoot(scene, *names: str) -> list[api.SceneMaps]:
    return api.capture_views([scene.objects[name] for name in names], scene, SIZE)


def rendered(scene, name: str) -> np.ndarray:
    return texturing.render_view(scene, camera=scene.objects[name], size=SIZE)[..., :3].astype(int)


def error(shown: np.ndarray, maps: api.SceneMaps, shift: float = 0.0) -> np.ndarray:
    """H×W: the largest difference of a channel from the texture itself in 8 bits, of 255."""
    return np.abs(shown - np.rint(texture(maps.camera.world_points(maps.depth), shift))).max(axis=-1)


def inner(mask: np.ndarray, pixels: int = 1) -> np.ndarray:
    out = mask.copy()
    for axis in (0, 1):
        for by in range(-pixels, pixels + 1):
            out &= np.roll(mask, by, axis)
    return out


def test_two_views_agree_where_they_meet(scene):
    front, side, back = shoot(scene, "Camera", "Side", "Back")
    paint = Painter()
    first = next_view(scene, Recipe(front), paint)
    standing = [view for _, view in placing.views(scene)]
    before = {name: views.coverage(maps, standing) for name, maps in (("side", side), ("back", back))}
    second = next_view(scene, Recipe(side), paint)
    assert (first.blend, second.blend) == (True, True)
    known = before["side"].sure
    assert 0.2 < known.mean() < 0.9
    assert not paint.masks[1][inner(known, 2)].any()  # what is known is not painted again
    assert (api.picture_of(second).pixels[~paint.masks[1]] == before["side"].known[~paint.masks[1]]).all()
    for name, maps, share in (("Camera", front, 100), ("Side", side, 100), ("Back", back, 99.5)):
        off = error(rendered(scene, name), maps)[api.coverage(maps=maps).sure]
        assert np.percentile(off, share) <= 2
    alone = views.coverage(back, [placing.views(scene)[1][1]]).covered
    union = api.coverage(maps=back).covered
    assert (union == before["back"].covered | alone).all()
    assert api.coverage(maps=side).share >= 0.999


def test_the_better_view_counts_more(scene):
    """Two views of different colours: near the second camera its own colour shows, without an edge between."""
    front, near = shoot(scene, "Camera", "Side")
    api.project(Painter()(Recipe(front)), blend=True)
    api.project(Painter(0.6)(Recipe(near)), blend=True)
    share = texturing.share(near, [placing.views(scene)[0][1]])
    shown = rendered(scene, "Side")
    low, high = error(shown, near), error(shown, near, 0.6)
    surface = inner(near.instance_map > 0)
    assert high[surface & (share > 0.98)].max() <= 3
    assert 0.05 < (share[surface] < 0.5).mean() < 0.6
    assert low[surface & (share < 0.02)].max(initial=0) <= 3
    covered = views.coverage(near, [placing.views(scene)[0][1]]).covered
    assert (share[~covered] == 1).all()


def test_the_shader_shows_what_was_foretold(scene):
    front, side, back = shoot(scene, "Camera", "Side", "Back")
    for maps, shift in ((front, 0.0), (side, 0.6)):
        api.project(Painter(shift)(Recipe(maps)), blend=True)
    found = api.coverage(maps=back)
    sure = inner(found.sure, 2)
    assert sure.mean() > 0.1
    off = np.abs(rendered(scene, "Back") - found.known).max(axis=-1)[sure]
    assert np.percentile(off, 99) <= 3, "of two colours that differ by up to 30"
    plain = api.placements()[1]
    assert api.show_placement(plain, False).shown is False
    assert [one.shown for one in api.placements()] == [True, False]
    found = api.coverage(maps=back)
    assert error(rendered(scene, "Back"), back)[inner(found.covered)].max() <= 2
    api.show_placement(plain, True)
    api.remove_placement(api.placements()[0])
    assert (texturing.share(side, []) == 1).all()
    assert error(rendered(scene, "Side"), side, 0.6)[inner(side.instance_map > 0)].max() <= 2


def test_views_that_were_painted_on_follow(scene):
    front, side = shoot(scene, "Camera", "Side")
    next_view(scene, Recipe(front, prompt="first"), Painter())
    next_view(scene, Recipe(side, prompt="second"), Painter())
    later = Painter(0.6)
    placed = replace_view(api.placements()[0], Painter(0.6)(Recipe(front)), later)
    assert [api.picture_of(one).recipe.prompt for one in placed] == ["", "second"]
    assert len(later.masks) == 1
    assert error(rendered(scene, "Side"), side, 0.6)[inner(side.instance_map > 0)].max() <= 2
    names = [one.name for one in api.placements()]
    with pytest.raises(InvalidInput):
        replace_view(replace(placed[0], name="Nobody"), Painter()(Recipe(front)), later)
    assert [one.name for one in api.placements()] == names


def test_a_view_that_cannot_be_replaced_stays(scene):
    (front,) = shoot(scene, "Camera")
    placed = next_view(scene, Recipe(front), Painter())
    small = Picture(np.zeros((8, 8, 3), np.uint8), Recipe(front))
    with pytest.raises(InvalidInput):
        replace_view(placed, small, Painter())
    (kept,) = api.placements()
    assert (api.picture_of(kept).pixels == api.picture_of(placed).pixels).all()
    assert error(rendered(scene, "Camera"), front)[inner(front.instance_map > 0)].max() <= 2


def test_what_moved_takes_its_paint_along(scene):
    (front,) = shoot(scene, "Camera")
    placed = api.project(Painter()(Recipe(front)))
    old = api.picture_of(placed)
    scene.objects["Left"].location.x += 0.6
    bpy.data.objects.remove(scene.objects["Bare"])
    added = bpy.data.objects.new("Added", scene.objects["Slot"].data)
    added.location = (-0.8, -0.4, 0.5)
    scene.collection.objects.link(added)
    bpy.context.view_layer.update()
    paint = Painter()
    api_placed = update(placed, paint)
    fresh = api.picture_of(api_placed[0])
    maps, (mask,) = fresh.maps, paint.masks
    left, ground, new = (_seen(maps, name) for name in ("Left", "Ground", "Added"))
    assert mask[new].all()
    stayed = ground & _seen(front, "Ground")
    assert (fresh.pixels[stayed] == old.pixels[stayed]).all()
    assert mask[ground & ~_seen(front, "Ground")].all()
    assert not mask[inner(left)].all()
    own = next(one for one in maps.instances if one.object == "Left")
    was = next(one for one in front.instances if one.object == "Left")
    back = np.array(was.matrix_world).reshape(4, 4) @ np.linalg.inv(np.array(own.matrix_world).reshape(4, 4))
    points = np.nan_to_num(maps.camera.world_points(maps.depth), posinf=0.0, neginf=0.0) @ back[:3, :3].T + back[:3, 3]
    kept = inner(left & ~mask)
    assert kept.any()
    assert np.abs(fresh.pixels - texture(points)).max(axis=-1)[kept].max() <= 2


def test_a_moved_camera_sees_the_same_scene(scene):
    (front,) = shoot(scene, "Camera")
    placed = api.project(Painter()(Recipe(front)))
    scene.camera.location.x += 1.5
    bpy.context.view_layer.update()
    paint = Painter()
    (again,) = update(placed, paint)
    fresh = api.picture_of(again)
    surface = fresh.maps.instance_map > 0
    assert 0 < paint.masks[0].mean() < 0.5
    assert np.abs(fresh.pixels - texture(fresh.maps.camera.world_points(fresh.maps.depth))).max(-1)[surface].max() <= 2
    assert (fresh.pixels[~surface] == (90, 130, 200)).all()


def test_nothing_changed_nothing_painted(scene):
    (front,) = shoot(scene, "Camera")
    placed = api.project(Painter()(Recipe(front)))
    before = api.picture_of(placed).pixels
    paint = Painter()
    (again,) = update(placed, paint)
    assert paint.masks == []
    assert (api.picture_of(again).pixels == before).all()


def test_suggested_cameras_cover_what_is_bare(scene):
    (front,) = shoot(scene, "Camera")
    next_view(scene, Recipe(front), Painter())
    (back,) = shoot(scene, "Back")
    before = api.coverage(maps=back).share
    made = api.suggest_cameras(2)
    assert 1 <= len(made) <= 2
    assert scene.camera.name == "Camera"
    (maps,) = api.capture_views(made[:1], scene, SIZE)
    assert api.coverage(maps=maps).share < 0.6
    for one in made:
        next_view(scene, Recipe(*api.capture_views([one], scene, SIZE)), Painter())
    assert api.coverage(maps=back).share > before + 0.2
    assert error(rendered(scene, "Back"), back)[inner(api.coverage(maps=back).covered, 2)].max() <= 5


def test_next_view_through_the_interface(scene):
    """With the generator of the add-on itself; prompt and size come from the view before."""
    maps = api.capture(scene, size=SIZE)
    api.project(api.generate("autumn", maps=maps, seed=1)[0])
    api.remove_placement(api.next_view(scene.objects["Side"], seed=5))
    (only,) = api.placements()
    same = api.next_view(scene.objects["Side"])
    assert api.picture_of(same).recipe.seed == api.picture_of(only).recipe.seed
    api.remove_placement(same)
    placed = api.next_view(scene.objects["Side"], seed=2)
    made = api.picture_of(placed)
    assert made.pixels.shape == (SIZE[1], SIZE[0], 3)
    assert made.recipe.prompt == "autumn"
    assert made.recipe.seed == 2
    assert api.coverage(scene.objects["Side"]).share > 0.99
    assert made.maps.camera.name == "Side"
    again = api.repaint_view(placed, "winter, snow", seed=3)
    assert api.picture_of(again[0]).recipe.prompt == "winter, snow"
    assert api.coverage(scene.objects["Side"]).heat.shape == made.pixels.shape


def test_what_cannot_be_is_said(scene):
    with pytest.raises(InvalidInput):
        api.suggest_cameras(0)
    (front,) = shoot(scene, "Camera")
    placed = api.project(Painter()(Recipe(front)))
    bpy.data.objects.remove(scene.camera)
    pictures.forget_all()
    with pytest.raises(SceneError, match="Camera"):
        api.update(placed)
    assert api.placements() == [placed]
    with pytest.raises(SceneError):
        api.suggest_cameras(1)


def _seen(maps: api.SceneMaps, name: str) -> np.ndarray:
    return maps.instance_map == next(one.id for one in maps.instances if one.object == name)
