# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""What the add-on keeps in a scene. Classes and texts of objects are plain custom properties: seg_class, seg_text."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from . import api
from .core import vocabulary

SEEDS = 2**31
"""How many seeds Blender's integer fields can hold: 0 .. SEEDS - 1."""


def _class_names(_self, context, edit_text: str) -> list[str]:
    """Suggestions while a class name is typed."""
    try:
        known = vocabulary.load(api.scene_vocabulary(context.scene))
    except api.SegAddonError:
        return []  # the panel says what is wrong with the file
    return [one.name for one in known.classes if edit_text.lower() in one.name.lower()]


def _change_vocabulary(_self, context) -> None:
    """An overlay that is shown goes with it."""
    if api.overlay() is not None:
        _show(context.window_manager.segaddon_overlay, True)


class SceneSettings(bpy.types.PropertyGroup):
    """``scene.segaddon``: what the panel shows."""

    prompt: StringProperty(name="Prompt", description="What the picture shows, e.g. 'a harbour at sunset, snow'")
    model: StringProperty(name="Model", description="Id of the model that draws; empty for the procedural preview")
    seed: IntProperty(
        name="Seed", description="Same seed and same scene, same picture", min=0, max=SEEDS - 1, default=1
    )
    random_seed: BoolProperty(name="New Seed", description="Take another seed for every picture", default=True)
    vocabulary: EnumProperty(
        name="Classes",
        description="The list of classes that things are taken for",
        items=[
            ("ade20k", "ADE20K", "150 classes; what most models for segmentation control were trained on"),
            ("coco_panoptic", "COCO Panoptic", "133 classes"),
            ("FILE", "Own File", "A .csv or .json file: name, color, synonyms, isthing"),
        ],
        default="ade20k",
        update=_change_vocabulary,
    )
    vocabulary_file: StringProperty(
        name="File",
        description="CSV or JSON with one class a row: name, color, synonyms, isthing",
        subtype="FILE_PATH",
        update=_change_vocabulary,
    )
    background: StringProperty(
        name="Background",
        description="Class of what lies behind all objects; empty for none",
        default="sky",
        search=_class_names,
    )
    maps_with_renders: BoolProperty(
        name="Scene Maps with Renders",
        description="Make the maps of every render (F12, Ctrl F12) when it has ended: same frame, camera and size. "
        "Maps of an animation are written beside its pictures",
        default=False,
        update=lambda _self, _context: api.watch_renders(),
    )
    retouch_prompt: StringProperty(
        name="Replace With", description="What should stand in the object's place, e.g. 'red brick'"
    )
    picture: PointerProperty(
        name="Picture",
        type=bpy.types.Image,
        description="The picture that the buttons work on",
        poll=lambda _self, image: "seg_picture" in image,
    )


def _show(self, shown: bool) -> None:
    if shown:
        vocabulary = api.scene_vocabulary(bpy.context.scene)
        api.show_overlay(api.OverlaySettings(self.kind, self.opacity, self.names, vocabulary))
    else:
        api.hide_overlay()


def _change(self, _context) -> None:
    if api.overlay() is not None:
        _show(self, True)


class OverlayLook(bpy.types.PropertyGroup):
    """``window_manager.segaddon_overlay``: a state of the session, not of the file; it is off when Blender starts."""

    show: BoolProperty(
        name="Overlay",
        description="Show in the 3D Views what everything is taken for",
        get=lambda _self: api.overlay() is not None,
        set=_show,
    )
    kind: EnumProperty(
        name="Show",
        items=[
            ("SEMANTIC", "Classes", "A color for each class, as models see them; stripes where there is none"),
            ("INSTANCE", "Instances", "A color for each single thing"),
        ],
        update=_change,
    )
    opacity: FloatProperty(
        name="Opacity",
        description="How much of the scene the colors cover",
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        default=0.5,
        update=_change,
    )
    names: BoolProperty(name="Names", description="Write the names at the things", default=True, update=_change)


CLASSES = (SceneSettings, OverlayLook)


def register() -> None:
    bpy.types.Scene.segaddon = PointerProperty(type=SceneSettings)
    bpy.types.WindowManager.segaddon_overlay = PointerProperty(type=OverlayLook)


def unregister() -> None:
    api.hide_overlay()
    del bpy.types.WindowManager.segaddon_overlay
    del bpy.types.Scene.segaddon
