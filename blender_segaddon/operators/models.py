# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Which model makes the scene's pictures."""

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from .. import api

_LISTS = [("REFERENCES", "References", ""), ("LORAS", "LoRAs", ""), ("CLASS_WORDS", "Words for Classes", "")]
_ADDING = {
    "REFERENCES": "Show the model a picture of what something should look like",
    "LORAS": "Let a LoRA change the look",
    "CLASS_WORDS": "Say what things of a class look like",
}
PREVIEW = "Preview (no model)"


def title_of(name: str) -> str:
    """A model's title, or its name where the server has not said it; that of the preview for ""."""
    return next((model.title for model in api.models() if model.id == name), name or PREVIEW)


class SEGADDON_OT_set_model(bpy.types.Operator):
    """Draw with this model"""

    bl_idname = "segaddon.set_model"
    bl_label = "Set Model"
    bl_options = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Model", description="Its id; empty for the preview", options={"SKIP_SAVE"})

    @classmethod
    def description(cls, _context, properties):
        model = next((one for one in api.models() if one.id == properties.name), None)
        if model is None:
            return "Procedural preview: no weights, no GPU"
        return model.hint or f"{model.licence or 'Your own'}, {model.steps} steps"

    def execute(self, context):
        context.scene.segaddon.model = self.name
        return {"FINISHED"}


class SEGADDON_OT_add_option(bpy.types.Operator):
    """Add one"""

    bl_idname = "segaddon.add_option"
    bl_label = "Add"
    bl_options = {"UNDO", "INTERNAL"}

    kind: EnumProperty(items=_LISTS, options={"SKIP_SAVE"})

    @classmethod
    def description(cls, _context, properties):
        return _ADDING[properties.kind]

    def execute(self, context):
        one = getattr(context.scene.segaddon.generation, self.kind.lower()).add()
        if self.kind == "REFERENCES" and context.space_data and context.space_data.type == "IMAGE_EDITOR":
            one.image = context.space_data.image
        return {"FINISHED"}


class SEGADDON_OT_remove_option(bpy.types.Operator):
    """Take it from the list"""

    bl_idname = "segaddon.remove_option"
    bl_label = "Remove"
    bl_options = {"UNDO", "INTERNAL"}

    kind: EnumProperty(items=_LISTS, options={"SKIP_SAVE"})
    index: IntProperty(options={"SKIP_SAVE"})

    def execute(self, context):
        getattr(context.scene.segaddon.generation, self.kind.lower()).remove(self.index)
        return {"FINISHED"}


CLASSES = (SEGADDON_OT_set_model, SEGADDON_OT_add_option, SEGADDON_OT_remove_option)
