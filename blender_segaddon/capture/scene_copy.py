"""A throw-away copy of a scene's settings that renders ids; its objects are the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import bpy

from ..core.marks import PASSING_MARK
from ..protocol.errors import CaptureError
from .transparency import has_output
from .writer import PASSES, build_writer, use_writer


@dataclass(frozen=True)
class SceneCopy:
    scene: bpy.types.Scene
    view_layer: str
    stand_in: bpy.types.Material
    """for what has no material of its own; in the copy's depsgraph because a property of the copy points to it"""
    writer: bpy.types.NodeTree
    """see ``writer``; in the copy's depsgraph because the stand-in uses it"""


@contextmanager
def scene_copy(
    scene: bpy.types.Scene, view_layer: str, camera: bpy.types.Object, size: tuple[int, int], *, soft: bool = False
) -> Iterator[SceneCopy]:
    """A copy that sees ``view_layer`` of ``scene`` from ``camera`` at ``size`` (width, height); removed at the end.

    Args:
        soft: see ``build_writer``.
    """
    copy = material = writer = None
    users = {one: one.users for one in (*scene.collection.objects, *scene.collection.children)}
    try:
        copy = scene.copy()
        copy.name = f"{scene.name} maps"
        material = bpy.data.materials.new("SegAddon stand-in")
        if bpy.app.version < (5, 0):
            material.use_nodes = True
        copy[PASSING_MARK] = material
        material[PASSING_MARK] = True
        writer = build_writer(soft)
        writer[PASSING_MARK] = True
        use_writer(material, material.node_tree.get_output_node("CYCLES"), writer)
        copy.timeline_markers.clear()  # they may switch to other cameras
        _set_render(copy)
        set_view(copy, camera, size)
        _set_cycles(copy)
        _set_view_layers(copy, view_layer, material)
        yield SceneCopy(copy, view_layer, material, writer)
    finally:
        for collection, one in (
            (bpy.data.scenes, copy),
            (bpy.data.materials, material),
            (bpy.data.node_groups, writer),
        ):
            with suppress(ReferenceError):  # while a capture is in the background, people undo and load files
                if one is not None:
                    collection.remove(one)
        with suppress(ReferenceError):
            _restore_users(scene, users)


def is_copy(scene: bpy.types.Scene) -> bool:
    """Whether it is one of ours, and no scene of the user's."""
    return PASSING_MARK in scene


def remove_forgotten() -> None:
    """Remove copies that came back: by undo to a step, or in a file, from while a capture was in the background."""
    for scene in [one for one in bpy.data.scenes if is_copy(one)]:
        bpy.data.scenes.remove(scene)
    for material in [one for one in bpy.data.materials if PASSING_MARK in one]:
        bpy.data.materials.remove(material)
    for group in [one for one in bpy.data.node_groups if PASSING_MARK in one]:
        bpy.data.node_groups.remove(group)


def _restore_users(scene: bpy.types.Scene, users: dict[bpy.types.ID, int]) -> None:
    """Blender 4.2 counts two users for each thing in a copied scene and takes back one: what has too many is never
    purged when the user deletes it. A count can be set to zero, and each copy made and removed adds one."""
    wrong = [one for one, count in users.items() if one.users != count]
    for missing in range(max((users[one] for one in wrong), default=0), 0, -1):
        for one in wrong:
            fake = one.use_fake_user
            if users[one] - fake == missing:
                one.user_clear()
                one.use_fake_user = fake
        bpy.data.scenes.remove(scene.copy())


def set_view(scene: bpy.types.Scene, camera: bpy.types.Object, size: tuple[int, int]) -> None:
    """Where a copy is seen from, and how large: (width, height) in pixels."""
    render = scene.render
    if scene.camera != camera:
        scene.camera = camera
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = 100
    render.use_border = render.use_crop_to_border = False


def set_band(scene: bpy.types.Scene, height: int, top: int, lines: int) -> None:
    """Let a copy, ``height`` pixels high, render only ``lines`` of its lines from ``top`` down; see ``set_view``."""
    render = scene.render
    render.use_border = render.use_crop_to_border = lines < height
    render.border_min_x, render.border_max_x = 0.0, 1.0
    # Blender's borders start at the bottom and are fractions; a quarter pixel more survives cutting and rounding.
    render.border_min_y = (height - top - lines + 0.25) / height if top + lines < height else 0.0
    render.border_max_y = (height - top + 0.25) / height if top > 0 else 1.0


def _set_render(scene: bpy.types.Scene) -> None:
    scene.world = None
    render = scene.render
    render.use_persistent_data = True  # between the bands of a picture
    for name in (
        "use_motion_blur",
        "use_compositing",
        "use_sequencer",
        "use_freestyle",
        "use_multiview",
        "use_stamp",
    ):
        setattr(render, name, False)


def _set_cycles(scene: bpy.types.Scene) -> None:
    """One sample a pixel: Cycles shoots the first one through the pixel's centre."""
    cycles = getattr(scene, "cycles", None)
    if cycles is None:
        raise CaptureError("Cycles is not there", "Enable 'Cycles Render Engine' in Preferences > Add-ons")
    settings = {
        "device": "CPU",  # no kernel compilation, and ids that were shown to be exact
        "samples": 1,
        "pixel_filter_type": "GAUSSIAN",
        "filter_width": 0.01,  # the filter's table misses the pixel's centre by 5e-4 of the width
        "sample_offset": 0,
        "use_sample_subset": False,
        "time_limit": 0.0,
        "use_adaptive_sampling": False,
        "use_denoising": False,
        "max_bounces": 0,
        "transparent_max_bounces": 1024,  # a tree is many cutout leaves behind each other
        "use_auto_tile": False,  # tiles go through a file
        "debug_bvh_type": "DYNAMIC_BVH",  # a tree for each mesh: 12 % less time in all on 2,000 instances, nowhere more
        "shading_system": False,
        "use_light_tree": False,
        "texture_limit_render": "OFF",
    }
    for name, value in settings.items():
        if hasattr(cycles, name):
            setattr(cycles, name, value)


def _set_view_layers(scene: bpy.types.Scene, view_layer: str, stand_in: bpy.types.Material) -> None:
    for layer in scene.view_layers:
        layer.use = layer.name == view_layer
    layer = scene.view_layers[view_layer]
    for name in [one.identifier for one in layer.bl_rna.properties if one.identifier.startswith("use_pass_")]:
        setattr(layer, name, name == "use_pass_z")
    for name in [one.identifier for one in layer.cycles.bl_rna.properties if one.identifier.startswith("use_pass_")]:
        setattr(layer.cycles, name, False)
    layer.cycles.denoising_store_passes = False
    layer.samples = 0
    if layer.material_override is not None and not has_output(layer.material_override):
        layer.material_override = stand_in
    while layer.aovs:
        layer.aovs.remove(layer.aovs[0])
    for name, kind in PASSES.items():
        aov = layer.aovs.add()
        aov.name, aov.type = name, kind
    layer.pass_alpha_threshold = 0.5
