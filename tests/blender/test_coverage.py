"""Mattes against the alpha of Blender's own renders: same lens, same shutter, same pixel filter."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon.capture import add_coverage, capture, coverage, cycles, scene_maps
from blender_segaddon.protocol.errors import Cancelled, InvalidInput

from . import scenes, snapshot

SIZE = (72, 48)


@pytest.fixture
def scene(tmp_path) -> bpy.types.Scene:
    """A ground, a ball that flies past, three sharp cubes (two of one mesh) behind, a fourth out of the sharp view."""
    scene = scenes.empty()
    scenes.add("Ground", scenes.mesh("plane", "Ground", 40.0))
    block = scenes.mesh("cube", "Block")
    for x in (-2.0, 0.5, 2.2):
        scenes.add(f"Block {x}", block, (x, 2.0, 0.5))
    ball = scenes.add("Ball", scenes.mesh("ball", "Ball", 1.5), (0, -2, 1.2))
    for frame, x in ((1, -3.0), (11, 3.0)):
        ball.location.x = x
        ball.keyframe_insert("location", index=0, frame=frame)
    for curve in scenes.curves_of(ball):
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"
    scenes.camera((0, -12, 4), (0, 0, 0.5))
    scene.frame_set(6)
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    return scene


def alpha_of(scene, name, path, samples=256) -> np.ndarray:
    """float32 H×W: Blender's own render of one object alone before nothing."""
    hidden = {one: one.hide_render for one in scene.objects if one.type == "MESH" and one.name != name}
    for one in hidden:
        one.hide_render = True
    scene.render.film_transparent, scene.cycles.samples, scene.cycles.use_denoising = True, samples, False
    scene.cycles.max_bounces, scene.cycles.use_adaptive_sampling = 0, False
    if bpy.app.version >= (5, 0):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.render.image_settings.color_depth = "16"
    scene.render.filepath = str(path / "alone.png")
    bpy.ops.render.render(write_still=True)
    for one, was in hidden.items():
        one.hide_render = was
    image = bpy.data.images.load(scene.render.filepath)
    image.colorspace_settings.name = "Non-Color"
    pixels = np.empty((SIZE[1], SIZE[0], 4), np.float32)
    image.pixels.foreach_get(pixels.ravel())
    bpy.data.images.remove(image)
    return pixels[::-1, :, 3]


def soft(scene, samples=64):
    return add_coverage(capture(scene), scene, scene.camera, samples=samples)


def id_of(maps, name):
    (found,) = [one.id for one in maps.instances if one.object == name]
    return found


def blur(scene, kind):
    if kind in ("motion", "both"):
        scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 1.5
    if kind == "hair":
        ball = bpy.data.objects["Ball"]
        ball.modifiers.new("Hair", "PARTICLE_SYSTEM")
        hair = ball.particle_systems[0].settings
        hair.type, hair.count, hair.hair_length = "HAIR", 400, 0.4
        hair.root_radius, hair.radius_scale = 1.0, 0.03
    if kind in ("lens", "both"):
        lens = scene.camera.data.dof
        lens.use_dof, lens.focus_distance, lens.aperture_fstop = True, 14.0, 0.03


def see_through(name: str, alpha: float) -> None:
    made = scenes.material("See-through")
    made.node_tree.nodes["Principled BSDF"].inputs["Alpha"].default_value = alpha
    bpy.data.objects[name].data.materials.append(made)


@pytest.mark.parametrize("alpha", [0.3, 0.8])
def test_what_is_half_there_covers_half(scene, tmp_path, alpha):
    see_through("Ball", alpha)  # its back is seen through its front
    maps = soft(scene, 64)
    if alpha < 0.5:
        assert "Ball" not in [one.object for one in maps.instances if one.pixels]
    difference = maps.coverage.matte(id_of(maps, "Ball")) - alpha_of(scene, "Ball", tmp_path)
    assert abs(difference.sum()) < 0.02 * alpha_of(scene, "Ball", tmp_path).sum()
    assert np.sqrt((difference**2).mean()) < 0.05
    assert maps.coverage.weights.sum(axis=-1) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("kind", ["sharp", "hair", "motion", "lens", "both"])
def test_a_matte_is_the_alpha_of_the_thing_alone(scene, tmp_path, kind):
    blur(scene, kind)
    maps = soft(scene, 100)
    matte = maps.coverage.matte(id_of(maps, "Ball"))
    alpha = alpha_of(scene, "Ball", tmp_path)
    edge = (alpha > 0.02) & (alpha < 0.98)
    assert edge.sum() > {"sharp": 30}.get(kind, 150)  # there is something to compare
    difference = np.abs(matte - alpha)
    # 100 independent samples of a share p scatter by sqrt(p(1-p)/100) <= .05, those of Blender's render by .03;
    # measured: .01 to .02.
    assert difference.mean() < 0.004 and difference.max() < 0.12
    assert np.sqrt((difference[edge] ** 2).mean()) < 0.03
    assert matte.sum() == pytest.approx(alpha.sum(), rel=0.01)


def test_sharp_insides_and_sums(scene):
    blur(scene, "both")
    maps = soft(scene, 16)
    weights = maps.coverage.weights
    full = weights.shape[-1] == 6
    assert weights.sum(axis=-1).max() <= 1 + 1e-5
    assert full or weights.sum(axis=-1).min() >= 1 - 1e-5
    assert sum(maps.coverage.matte(id) for id in range(len(maps.instances) + 1)).min() > 0.99
    inside = weights[..., 0] > 0.999
    scene.render.use_motion_blur = scene.camera.data.dof.use_dof = False
    sharp = soft(scene, 16).coverage
    inside &= sharp.weights[..., 0] > 0.999
    assert inside.mean() > 0.3
    assert np.array_equal(sharp.ids[..., 0][inside], maps.instance_map[inside])


def test_ids_stay_and_what_only_a_blur_shows_comes_after(scene):
    """The ball is beyond the frame's edge at the shutter's middle and flies into it."""
    blur(scene, "motion")
    scene.render.motion_blur_shutter = 3.0
    scene.frame_set(11)
    plain = next(frame for frame in range(11, 0, -1) if seen_only_in_blur(scene, frame))
    scene.frame_set(plain)
    sharp = capture(scene)
    maps = soft(scene, 16)
    assert maps.instances[: len(sharp.instances)] == sharp.instances
    (ball,) = maps.instances[len(sharp.instances) :]
    assert (ball.object, ball.pixels, ball.bbox) == ("Ball", 0, (0, 0, 0, 0))
    assert maps.coverage.matte(ball.id).max() > 0.02
    assert np.array_equal(maps.instance_map, sharp.instance_map)


def seen_only_in_blur(scene, frame) -> bool:
    scene.camera.data.lens = 110.0
    scene.frame_set(frame)
    maps = soft(scene, 4)
    return bool(maps.instances) and (maps.instances[-1].object, maps.instances[-1].pixels) == ("Ball", 0)


def test_instances_that_fly_keep_apart(scene):
    """Two instances of one collection, one of them moving: their places differ in every sample."""
    inner = bpy.data.collections.new("Inner")
    scenes.add("Part", scenes.mesh("cube", "Part"), (0, 0, 0), inner)
    for name, z in (("Still", 3.0), ("Flying", 3.0)):
        scenes.add(name, None, (1.5, 0, z), instance_type="COLLECTION", instance_collection=inner)
    flying = bpy.data.objects["Flying"]
    for frame, x in ((1, -3.0), (11, 0.0)):
        flying.location.x = x
        flying.keyframe_insert("location", index=0, frame=frame)
    scene.frame_set(6)
    blur(scene, "motion")
    maps = soft(scene, 16)
    one, other = (next(each.id for each in maps.instances if each.instancer == name) for name in ("Still", "Flying"))
    still, moving = maps.coverage.matte(one), maps.coverage.matte(other)
    assert still.sum() == pytest.approx((maps.instance_map == one).sum(), rel=0.1)
    assert moving.sum() == pytest.approx((maps.instance_map == other).sum(), rel=0.1)
    assert np.ptp(np.flatnonzero((moving > 0.1).any(axis=0))) > np.ptp(np.flatnonzero((still > 0.1).any(axis=0)))


@pytest.mark.parametrize("kind", ["lens", "both"])
def test_bands_change_nothing(scene, monkeypatch, kind):
    blur(scene, kind)
    whole = soft(scene, 9).coverage
    monkeypatch.setattr(coverage, "_AT_ONCE", SIZE[0] * 3 * 40)
    monkeypatch.setattr(cycles, "_ONE_BAND", SIZE[0] * 3 * 40)
    monkeypatch.setattr(cycles, "_FIRST_BAND", SIZE[0] * 3 * 40)
    banded = soft(scene, 9).coverage
    # Blender draws other random numbers, so blurred edges differ by their noise; what is sharp does not.
    still = (whole.weights[..., 0] > 0.999) & (banded.weights[..., 0] > 0.999)
    assert still.mean() > 0.3 and np.array_equal(whole.ids[still, 0], banded.ids[still, 0])
    for id in range(1, int(whole.ids.max()) + 1):
        assert banded.matte(id).sum() == pytest.approx(whole.matte(id).sum(), rel=0.02, abs=1.0)


def test_nothing_is_left_behind(scene):
    blur(scene, "both")
    maps = capture(scene)
    before = snapshot.take()
    add_coverage(maps, scene, scene.camera, samples=4)
    assert snapshot.difference(before, snapshot.take()) == []
    with pytest.raises(Cancelled):
        add_coverage(maps, scene, scene.camera, samples=4, cancelled=lambda: True)
    assert snapshot.difference(before, snapshot.take()) == []


@pytest.mark.parametrize("samples", [0, 3, 1025, 2.5, "many"])
def test_silly_numbers_of_samples(scene, samples):
    with pytest.raises(InvalidInput, match="samples"):
        coverage.check_samples(samples)


def test_a_picture_that_is_too_large(scene, monkeypatch):
    monkeypatch.setattr(coverage, "MAX_SIZE", 64)
    with pytest.raises(InvalidInput, match="Use fewer samples"):
        soft(scene, 16)
    assert scene_maps.MAX_SIZE > 64


def test_maps_split_by_material_have_none(scene):
    maps = capture(scene, split="material")
    with pytest.raises(InvalidInput, match="split by material"):
        add_coverage(maps, scene, scene.camera, samples=4)
