# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""What the add-on keeps in a scene. Classes and texts of objects are plain custom properties: seg_class, seg_text."""

import bpy
from bpy.props import BoolProperty, IntProperty, PointerProperty, StringProperty

from .core import vocabulary


def _class_names(_self, _context, edit_text: str) -> list[str]:
    """Suggestions while a class name is typed."""
    return [one.name for one in vocabulary.load("ade20k").classes if edit_text.lower() in one.name]


class SceneSettings(bpy.types.PropertyGroup):
    """``scene.segaddon``: what the panel shows."""

    prompt: StringProperty(name="Prompt", description="What the picture shows, e.g. 'a harbour at sunset, snow'")
    seed: IntProperty(name="Seed", description="Same seed, same picture", min=0, max=2**31 - 1, default=1)
    random_seed: BoolProperty(
        name="New Seed Each Time", description="Choose another seed for every picture", default=True
    )
    background: StringProperty(
        name="Background",
        description="Class of what lies behind all objects; empty for none",
        default="sky",
        search=_class_names,
    )
    retouch_prompt: StringProperty(name="Replace With", description="What should stand in the object's place")
    class_name: StringProperty(
        name="Class", description="ADE20K class for the selected objects, e.g. 'building'", search=_class_names
    )
    picture: PointerProperty(name="Picture", type=bpy.types.Image, description="The picture that the buttons work on")


CLASSES = (SceneSettings,)


def register() -> None:
    bpy.types.Scene.segaddon = PointerProperty(type=SceneSettings)


def unregister() -> None:
    del bpy.types.Scene.segaddon
