# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Looks kept, applied and removed; presets of the settings of Generate."""

from pathlib import Path

import bpy
from bl_operators.presets import AddPresetBase
from bpy.props import StringProperty

from .. import api
from .reporting import reported


class SEGADDON_OT_save_look(bpy.types.Operator):
    """Keep model, style, options, words for classes and reference pictures as an asset, with the last picture on it"""

    bl_idname = "segaddon.save_look"
    bl_label = "Save as Look"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", description="A look of this name is replaced", default="Look")

    def invoke(self, context, _event):
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context):
        with reported(self):
            look = api.save_look(self.name, scene=context.scene)
            self.report({"INFO"}, f"'{look.name}' is an asset of this file now")
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_apply_look(bpy.types.Operator):
    """Ask for pictures of this scene as the look says; prompt, seed and candidates stay"""

    bl_idname = "segaddon.apply_look"
    bl_label = "Apply Look"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Look", description="Its name", options={"SKIP_SAVE"})
    file: StringProperty(
        name="File",
        description="The .blend that it is in; empty for this one",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    def execute(self, context):
        with reported(self):
            api.apply_look(self.name, file=self.file or None, scene=context.scene)
            self.report({"INFO"}, f"Pictures have the look '{self.name}' from now on")
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_remove_look(bpy.types.Operator):
    """Take this look out of the file; settings that came from it stay"""

    bl_idname = "segaddon.remove_look"
    bl_label = "Remove Look"
    bl_options = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Look", description="Its name", options={"SKIP_SAVE"})

    def execute(self, _context):
        look = next((one for one in api.looks() if one.name == self.name), None)
        if look is not None:
            bpy.data.node_groups.remove(look)
        return {"FINISHED"}


PRESETS = "segaddon/generate"
"""Folder of the presets, in presets of the user's scripts."""


class SEGADDON_OT_add_preset(AddPresetBase, bpy.types.Operator):
    """Keep the settings of Generate as a preset of yours, for all files; or remove one"""

    bl_idname = "segaddon.add_preset"
    bl_label = "Add Generate Preset"

    preset_menu = "SEGADDON_PT_presets"
    preset_subdir = PRESETS
    preset_defines = ("settings = bpy.context.scene.segaddon", "generation = settings.generation")
    preset_values = (
        "settings.model",
        "generation.count",
        "generation.best_of",
        *(f"generation.{name}" for name in api.LOOK_FIELDS),
    )

    def execute(self, context):
        folder = Path(bpy.utils.user_resource("SCRIPTS", path="presets")) / PRESETS
        try:
            folder.mkdir(parents=True, exist_ok=True)  # Blender's own way prints a traceback where it cannot
            return super().execute(context)
        except OSError as error:
            self.report({"ERROR"}, f"Presets cannot be written to {folder}: {error.strerror}. Make the folder writable")
        return {"CANCELLED"}

    def remove(self, _context, path):
        """Called by Blender."""
        try:
            Path(path).unlink()
        except OSError as error:
            self.report({"ERROR"}, f"{path} cannot be removed: {error.strerror}. Make its folder writable")


CLASSES = (SEGADDON_OT_save_look, SEGADDON_OT_apply_look, SEGADDON_OT_remove_look, SEGADDON_OT_add_preset)
