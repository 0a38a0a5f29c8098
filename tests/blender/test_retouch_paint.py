"""Masks that are painted, cleaned and taken from alpha, and extended pictures, by the Image Editor's buttons."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from blender_segaddon.operators import retouch_history, retouch_masks

from .test_api import SIZE, scene  # noqa: F401  # a fixture
from .test_retouch_buttons import centre, image, masked, plain, shown_as, street  # noqa: F401  # a fixture


def stroke(painted: bpy.types.Image, rows: slice, columns: slice, value: float) -> None:
    """As a brush would, without a window; rows from the top."""
    width, height = painted.size
    pixels = np.array(painted.pixels[:], np.float32).reshape(height, width, 4)[::-1]
    pixels[rows, columns, :3] = value
    painted.pixels.foreach_set(np.ascontiguousarray(pixels[::-1]).ravel())


def painting() -> bpy.types.Image:
    return next(one for one in bpy.data.images if one.segaddon.painted_for is not None)


def test_strokes_change_the_mask(street):  # noqa: F811
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    car = image().segaddon.masks[0]
    car.grow = 2
    wide = masked().copy()
    assert bpy.ops.segaddon.mask_paint() == {"FINISHED"}
    mask = painting()
    assert mask.segaddon.painted_name == "Car" and mask.colorspace_settings.is_data
    stroke(mask, slice(0, 10), slice(0, 30), 1.0)
    stroke(mask, slice(60, 96), slice(0, 160), 0.0)
    assert bpy.ops.segaddon.mask_painted(image=mask.name) == {"FINISHED"}
    expected = wide.copy()
    expected[:10, :30], expected[60:] = True, False
    assert (masked() == expected).all()
    (car,) = image().segaddon.masks
    assert (car.name, car.grow, retouch_masks.chosen(car).source) == ("Car", 0, "painted")
    assert not [one for one in bpy.data.images if one.segaddon.painted_for is not None]
    bpy.ops.segaddon.mask_click(at=centre("House"), how="ADD")  # clicks go on from what was painted
    assert (masked() == expected | shown_as("House")).all()


def test_a_mask_is_painted_from_nothing_or_left_as_it_was(street):  # noqa: F811
    bpy.ops.segaddon.mask_paint()
    with pytest.raises(RuntimeError, match="Nothing is painted"):
        bpy.ops.segaddon.mask_painted(image=painting().name)
    stroke(painting(), slice(5, 20), slice(5, 20), 1.0)
    bpy.ops.segaddon.mask_painted(image=painting().name)
    assert masked().sum() == 15 * 15 and masked()[5:20, 5:20].all()
    bpy.ops.segaddon.mask_paint()
    stroke(painting(), slice(0, 96), slice(0, 160), 1.0)
    bpy.ops.segaddon.mask_painted(image=painting().name, discard=True)
    assert masked().sum() == 15 * 15
    with pytest.raises(RuntimeError, match="No mask is being painted"):
        bpy.ops.segaddon.mask_painted()


def test_undo_goes_back_to_before_the_painting(street):  # noqa: F811
    name = image().name
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    bpy.ops.ed.undo_push(message="Click")
    bpy.ops.segaddon.mask_paint()
    bpy.ops.ed.undo_push(message="Paint")
    stroke(painting(), slice(0, 10), slice(0, 30), 1.0)
    bpy.ops.segaddon.mask_painted(image=painting().name)
    bpy.ops.ed.undo_push(message="Done")
    after = masked().copy()
    assert (after != shown_as("Car")).any()
    bpy.ops.ed.undo()
    assert painting().segaddon.painted_for.name == name
    bpy.ops.ed.undo()
    assert (masked() == shown_as("Car")).all()
    bpy.ops.ed.redo()
    bpy.ops.ed.redo()
    assert (masked() == after).all()


def test_strokes_survive_save_and_reload(street, tmp_path):  # noqa: F811
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    bpy.ops.segaddon.mask_paint()
    stroke(painting(), slice(0, 10), slice(0, 30), 1.0)
    painting().use_fake_user = True  # a window that shows it counts as well
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "street.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "street.blend"))
    bpy.ops.segaddon.mask_painted(image=painting().name)
    assert masked()[:10, :30].all()


def test_holes_and_islands_go(street):  # noqa: F811
    bpy.ops.segaddon.mask_paint()
    stroke(painting(), slice(10, 60), slice(10, 60), 1.0)
    stroke(painting(), slice(30, 33), slice(30, 33), 0.0)
    stroke(painting(), slice(80, 83), slice(100, 103), 1.0)
    stroke(painting(), slice(80, 90), slice(120, 130), 1.0)
    bpy.ops.segaddon.mask_painted(image=painting().name)
    mask = image().segaddon.masks[0]
    rough = masked().copy()
    mask.clean = 2
    assert (masked() == rough).all()
    mask.clean = 3
    expected = rough.copy()
    expected[30:33, 30:33], expected[80:83, 100:103] = True, False
    assert (masked() == expected).all()
    mask.clean = 0
    assert (masked() == rough).all()


def test_a_mask_of_what_is_not_transparent(street):  # noqa: F811
    made = bpy.data.images.new("Cutout", 20, 10, alpha=True)
    pixels = np.zeros((10, 20, 4), np.float32)
    pixels[:4, 5:] = 1.0
    made.pixels.foreach_set(pixels.ravel())
    bpy.ops.segaddon.mask_of(image=made.name, what="ALPHA")
    covered = retouch_masks.together(made, (20, 10))
    assert covered[-4:, 5:].all() and covered.sum() == 4 * 15
    with pytest.raises(RuntimeError, match="covers everything"):
        bpy.ops.segaddon.mask_of(image=plain().name, what="ALPHA")


def test_a_picture_is_extended_and_its_masks_stay_where_they_were(street):  # noqa: F811
    first = image()
    bpy.ops.segaddon.mask_click(at=centre("Car"))
    before, pixels = masked().copy(), np.array(first.pixels[:], np.float32).reshape(SIZE[1], SIZE[0], -1)
    assert bpy.ops.segaddon.extend(margins=(16, 8, 0, 24)) == {"FINISHED"}
    wider = image()
    assert wider != first and tuple(wider.size) == (SIZE[0] + 24, SIZE[1] + 24)
    assert [one.did for one in retouch_history.steps_of(wider)] == ["Original", "Extend"]
    after = np.array(wider.pixels[:], np.float32).reshape(SIZE[1] + 24, SIZE[0] + 24, -1)
    assert (after[24:, 16:-8] == pixels).all()  # from the bottom
    wider.segaddon.masks[0].use = True
    moved = retouch_masks.together(wider, tuple(wider.size))
    assert (moved[:-24, 16:-8] == before).all() and moved.sum() == before.sum()
    bpy.ops.segaddon.history_show(step=0)
    assert image() == first
