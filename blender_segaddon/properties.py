# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""What the add-on keeps in a scene. Classes and texts of objects are plain custom properties: seg_class, seg_text."""

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

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


class SceneSettings(bpy.types.PropertyGroup):
    """``scene.segaddon``: what the panel shows."""

    prompt: StringProperty(name="Prompt", description="What the picture shows, e.g. 'a harbour at sunset, snow'")
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
    )
    vocabulary_file: StringProperty(
        name="File", description="CSV or JSON with one class a row: name, color, synonyms, isthing", subtype="FILE_PATH"
    )
    background: StringProperty(
        name="Background",
        description="Class of what lies behind all objects; empty for none",
        default="sky",
        search=_class_names,
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


CLASSES = (SceneSettings,)


def register() -> None:
    bpy.types.Scene.segaddon = PointerProperty(type=SceneSettings)


def unregister() -> None:
    del bpy.types.Scene.segaddon
