"""The engine that rasterises against the one that renders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from blender_segaddon.capture import add_framing_camera, capture
from blender_segaddon.capture import gpu as engine
from blender_segaddon.capture.shot import View
from blender_segaddon.protocol.errors import Cancelled, SceneError

from . import drawing, scenes, snapshot

SIZE = (240, 135)
FOLDER = os.environ.get("SEGADDON_SCENES")


@pytest.fixture(scope="module", autouse=True)
def _needs_gpu():
    drawing.need_gpu()


def opaque() -> bpy.types.Scene:
    """Everything that triangles can show, no two faces in one plane."""
    scene = scenes.everything()
    bpy.data.objects["Floor"].location.z = -0.01
    for name in ("Leaf alpha", "Leaf mix"):
        bpy.data.objects.remove(bpy.data.objects[name])
    mirrored = scenes.add("Mirrored", scenes.mesh("ball", "Mirror", 0.7), (1.2, 0.3, 1.8), scale=(-1, 1, 0.6))
    mirrored.rotation_euler = (0.4, 0.2, 1.0)
    data = scenes.mesh("cube", "Smooth")
    data.materials.append(scenes.material("Smooth"))
    smooth = scenes.add("Smooth", data, (-0.6, 0.6, 1.2)).modifiers.new("S", "SUBSURF")
    smooth.levels, smooth.render_levels = 0, 3  # what renders counts
    return scene


def same_maps(one, other, agreement=0.999):
    """Same instances, ids on ``agreement`` of the pixels, there the same depth and normals."""
    assert [each.object for each in one.instances] == [each.object for each in other.instances]
    assert [each.matrix_world for each in one.instances] == [each.matrix_world for each in other.instances]
    same = one.instance_map == other.instance_map
    assert same.mean() >= agreement
    both = same & (one.instance_map > 0)
    assert both.any()
    assert np.percentile(np.abs(other.depth[both] / one.depth[both] - 1), 99.5) <= 1e-5
    assert np.isinf(other.depth[other.instance_map == 0]).all()
    assert not other.normal[other.instance_map == 0].any()
    cosine = (one.normal[both] * other.normal[both]).sum(axis=-1)
    assert np.percentile(np.degrees(np.arccos(np.clip(cosine, -1, 1))), 99.5) <= 0.5
    assert np.allclose(np.linalg.norm(other.normal[both], axis=-1), 1, atol=1e-4)


LENSES = {
    "perspective": {},
    "shift": {"shift_x": 0.2, "shift_y": -0.15},
    "ortho with shift": {"type": "ORTHO", "ortho_scale": 9.0, "shift_y": 0.1},
    "vertical sensor": {"sensor_fit": "VERTICAL", "lens": 20.0},
    "clipped": {"clip_start": 11.0, "clip_end": 14.5},
}


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_it_sees_what_cycles_sees(lens):
    scene = opaque()
    bpy.data.objects.remove(scene.camera)
    scenes.camera(**lens)
    scene.render.pixel_aspect_x = 1.25
    same_maps(capture(scene, size=SIZE), capture(scene, size=SIZE, engine="gpu"))


def test_it_shows_what_a_render_shows():
    scene = scenes.empty()
    names = ("Seen", "Not rendered", "Not for cameras", "Excluded", "Held out", "Catcher", "Smoke", "Glass", "Ghost")
    for x, name in enumerate(names):
        group = bpy.data.collections.new(name)
        scene.collection.children.link(group)
        scenes.add(name, scenes.mesh(name=name), (x * 1.5 - 6, 0, 0), group)
    things = bpy.data.objects
    things["Not rendered"].hide_render = things["Seen"].hide_viewport = True
    things["Not for cameras"].visible_camera = False
    things["Catcher"].is_shadow_catcher = True
    layers = scene.view_layers[0].layer_collection.children
    layers["Excluded"].exclude = layers["Held out"].holdout = True
    for name, kind in (("Smoke", "VolumePrincipled"), ("Glass", "BsdfGlass"), ("Ghost", "BsdfTransparent")):
        tree = scenes.material(name).node_tree
        socket = "Volume" if name == "Smoke" else "Surface"
        surface = tree.get_output_node("CYCLES").inputs["Surface"]
        tree.links.remove(surface.links[0])
        tree.links.new(tree.nodes.new(f"ShaderNode{kind}").outputs[0], tree.get_output_node("CYCLES").inputs[socket])
        things[name].data.materials.append(bpy.data.materials[name])
    scenes.add("Behind", scenes.mesh("plane", "Behind", 40), (0, 5, 0), rotation_euler=(1.57, 0, 0))
    scenes.camera(at=(0, -18, 0), towards=(0, 0, 0))
    maps = capture(scene, size=(128, 40), engine="gpu")
    assert {one.object for one in maps.instances} == {"Seen", "Catcher", "Glass", "Behind"}
    same_maps(capture(scene, size=(128, 40)), maps)
    assert np.isinf(maps.depth[20, 64])  # the hole of what is held out


def test_depth_is_exact_however_near_the_clipping_starts():
    scene = scenes.empty()
    scenes.add("Far", scenes.mesh("plane", "Far", 400), (0, 900.0, 0), rotation_euler=(1.5707963, 0, 0))
    scenes.add("Poster", scenes.mesh("plane", "Poster", 300), (0, 899.9, 0), rotation_euler=(1.5707963, 0, 0))
    scenes.camera(at=(0, 0, 0), towards=(0, 1, 0), clip_start=1e-4, clip_end=1000.0)
    maps = capture(scene, size=(64, 36), engine="gpu")
    assert maps.instance(int(maps.instance_map[18, 32])).object == "Poster"
    assert maps.depth[18, 32] == pytest.approx(899.9, rel=1e-5)
    same_maps(capture(scene, size=(64, 36)), maps)


def shot(scene):
    return engine.shoot(View(scene, scene.view_layers[0].name, scene.camera, (64, 36)))


def test_what_it_does_not_see_it_says():
    assert shot(opaque()).notes == ()
    scene = scenes.everything()
    hair = bpy.data.objects["Floor"].modifiers.new("Hair", "PARTICLE_SYSTEM").particle_system.settings
    hair.type, hair.count = "HAIR", 5
    scenes.add("Points", bpy.data.pointclouds.new("Points"))
    notes = shot(scene).notes
    assert [note.partition(", as on ")[0] for note in notes] == [
        "The gpu engine does not see hair particles",
        "The gpu engine does not see cutouts",
        "The gpu engine does not see points",
    ]
    assert "'Floor'" in notes[0]


def test_panoramas_and_cancelling():
    scene = scenes.everything()
    with pytest.raises(Cancelled):
        capture(scene, size=(8, 8), engine="gpu", cancelled=lambda: True)
    scene.camera.data.type = "PANO"
    settings = scene.camera.data if hasattr(scene.camera.data, "panorama_type") else scene.camera.data.cycles
    settings.panorama_type = "EQUIRECTANGULAR"
    with pytest.raises(SceneError, match="panorama"):
        capture(scene, size=(8, 8), engine="gpu")


def test_it_leaves_no_trace():
    scene = scenes.everything()
    before = snapshot.take()
    capture(scene, size=(32, 18), engine="gpu")
    assert snapshot.traces(before, snapshot.take()) == []


NO_DRIVER = """
import os, sys
from blender_segaddon.capture import capture
from blender_segaddon.protocol.errors import CaptureError
from tests.blender import scenes
scene = scenes.everything()
try:
    capture(scene, size=(8, 8), engine="gpu")
except CaptureError as error:
    print("said:", error)
print("then:", len(capture(scene, size=(8, 8), engine="cycles").instances))
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the driver belongs to the system")
def test_without_a_driver_it_says_so_and_blender_lives_on():
    run = subprocess.run(
        [sys.executable, "-c", NO_DRIVER],
        env=os.environ | {"__EGL_VENDOR_LIBRARY_DIRS": os.devnull},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "said: There is no GPU to draw with. Use the engine 'cycles'" in run.stdout
    assert "then:" in run.stdout


@pytest.mark.skipif(not FOLDER, reason="SEGADDON_SCENES is not set")
@pytest.mark.parametrize(
    "name", ["kenney_city/kenney_city.blend", "aws_small_house/aws_small_house.blend", "bge_traffic/city.blend"]
)
def test_real_scenes(name):
    bpy.ops.wm.open_mainfile(filepath=str(Path(FOLDER) / name))
    scene = bpy.context.scene
    if scene.camera is None:
        add_framing_camera(scene)
    one, other = (capture(scene, size=(256, 144), engine=engine) for engine in ("cycles", "gpu"))
    assert (one.instance_map > 0).mean() > 0.1
    by_name = {(each.instancer, each.object, each.persistent_id): each.id for each in one.instances}
    table = [0, *(by_name.get((each.instancer, each.object, each.persistent_id), -1) for each in other.instances)]
    same = one.instance_map == np.array(table)[other.instance_map]
    assert same.mean() >= 0.999
