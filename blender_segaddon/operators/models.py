# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Which model makes the scene's pictures."""

import bpy
from bpy.props import StringProperty

from .. import api

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


CLASSES = (SEGADDON_OT_set_model,)
