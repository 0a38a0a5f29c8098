"""Pictures to light and back under every view."""

import os
import re
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.texturing import colour
from blender_segaddon.texturing.colour import emitted, know_view, to_display, to_scene_linear, view_key
from blender_segaddon.texturing.inverse import _nearest

from .little import gentle_picture

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def scene() -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def round_trip(picture: np.ndarray, scene: bpy.types.Scene) -> tuple[float, float]:
    """(PSNR over reachable colours, share of unreachable ones)."""
    linear = to_scene_linear(picture, scene)
    shown = np.rint(to_display(linear.pixels, scene) * 255)
    error = ((shown - picture)[linear.reachable] ** 2).mean()
    return 120.0 if error == 0 else 10 * np.log10(255**2 / error), linear.unreachable


@pytest.mark.parametrize(
    ("view", "look", "settings"),
    [
        ("Standard", "None", {}),
        ("Filmic", "None", {}),
        ("Filmic", "High Contrast", {"exposure": 1.5}),
        ("AgX", "None", {}),
        ("AgX", "AgX - Punchy", {"exposure": -1.0, "gamma": 1.2}),
    ],
)
def test_picture_comes_back(scene, view, look, settings):
    scene.view_settings.view_transform = view
    try:
        scene.view_settings.look = look
    except TypeError:  # 4.2 and later name looks with their view
        scene.view_settings.look = f"{view} - {look}"
    for name, value in settings.items():
        setattr(scene.view_settings, name, value)
    decibels, unreachable = round_trip(gentle_picture(), scene)
    assert decibels >= 60
    assert unreachable <= 0.01


def test_all_colours_are_reachable_under_standard(scene):
    scene.view_settings.view_transform = "Standard"
    cube = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert round_trip(cube, scene) == (120.0, 0.0)


@pytest.mark.parametrize("view", ["Standard", "Filmic", "AgX"])
def test_what_is_not_searched_for_is_right_all_the_same(scene, view):
    """Most colours are only looked up; where the table says that it is sure, 8 bits come back."""
    scene.view_settings.view_transform = view
    some = np.random.default_rng(2).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    linear = to_scene_linear(some, scene)
    (inverse,) = (one for key, one in colour._inverses.items() if key == view_key(scene))
    display = some.reshape(-1, 3) / np.float32(255)
    sure = inverse.sure[_nearest(display)]
    off = np.abs(to_display(linear.pixels, scene).reshape(-1, 3) - display).max(axis=1) * 255
    assert sure.mean() > (0.5 if view != "AgX" else 0.08)  # a random colour is beyond AgX three times out of five
    assert off[sure].max() < 0.5


def test_a_view_is_studied_in_a_thread_that_asks(scene):
    scene.view_settings.view_transform = "Filmic"
    colour._inverses.clear()
    study, scenes = colour.ViewStudy(scene), len(bpy.data.scenes)
    while study.step():
        pass
    (studied,) = colour._inverses.values()
    assert len(bpy.data.scenes) == scenes
    colour._inverses.clear()
    know_view(scene)
    (known,) = colour._inverses.values()
    assert (known.around == studied.around).all()
    assert not colour.ViewStudy(scene).step()  # there is nothing left to study


def test_curves_are_inverted(scene):
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.use_curve_mapping = True
    curve = scene.view_settings.curve_mapping.curves[3]
    curve.points.new(0.4, 0.6)
    scene.view_settings.curve_mapping.update()
    decibels, unreachable = round_trip(gentle_picture(), scene)
    assert decibels >= 60
    assert unreachable <= 0.01


def test_unreachable_colours_are_counted(scene):
    scene.view_settings.view_transform = "AgX"
    picture = gentle_picture()
    picture[:8] = (255, 0, 0)  # AgX shows no pure red
    linear = to_scene_linear(picture, scene)
    assert not linear.reachable[:8].any()
    assert linear.reachable[8:].all()
    assert linear.unreachable == pytest.approx(8 / 64)


def test_view_settings_stay(scene):
    before = view_key(scene), len(bpy.data.images), len(bpy.data.scenes)
    to_scene_linear(gentle_picture(), scene)
    assert (view_key(scene), len(bpy.data.images), len(bpy.data.scenes)) == before


def test_rows_stay_where_they_are(scene):
    pixels = np.zeros((3, 2, 3), np.float32)
    pixels[0] = 1
    shown = to_display(pixels, scene)
    assert shown[0].min() > 0.5
    assert shown[1:].max() < 0.01


def test_float_pictures_and_film_exposure(scene):
    scene.view_settings.view_transform = "Standard"
    picture = gentle_picture().astype(np.float32) / 255
    linear = to_scene_linear(picture, scene)
    assert np.abs(to_display(linear.pixels, scene) - picture).max() < 1 / 500
    scene.cycles.film_exposure = 2.0
    assert np.allclose(emitted(linear.pixels, scene) * 2, linear.pixels)


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.int32), np.full((2, 2, 3), np.nan)]
)
def test_no_picture_is_said(scene, picture):
    with pytest.raises(InvalidInput):
        to_scene_linear(picture, scene)


def test_a_configuration_without_the_usual_names():
    """Under an ACES configuration "sRGB", "Non-Color" and "Standard" do not exist."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.blender.aces"],
        cwd=ROOT,
        env={**os.environ, "OCIO": "ocio://cg-config-v1.0.0_aces-v1.3_ocio-v2.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (figures,) = re.findall(r"^Figures: (.*)$", done.stdout, re.MULTILINE)
    decibels, unreachable, projected = map(float, figures.split())
    assert decibels >= 45
    assert unreachable <= 0.05
    assert projected >= 45
