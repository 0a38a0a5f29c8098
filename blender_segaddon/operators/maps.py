# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Maps as images, and what things are."""

import bpy
from bpy.props import StringProperty

from .. import api
from ..core import vocabulary
from .reporting import reported, show_in_image_editor


class SEGADDON_OT_capture(bpy.types.Operator):
    """Render the semantic, instance, depth and normal maps of the scene as images"""

    bl_idname = "segaddon.capture"
    bl_label = "Capture Scene Maps"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context):
        with reported(self):
            maps = api.capture(context.scene)
            made = api.map_images(maps)
            show_in_image_editor(context, made["semantic_map"])
            without = sum(1 for one in maps.instances if one.class_name is None)
            self.report(
                {"INFO"}, f"{len(maps.instances)} instances" + (f", {without} without a class" if without else "")
            )
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_set_class(bpy.types.Operator):
    """Say what the selected objects are; an empty class lets their names decide again"""

    bl_idname = "segaddon.set_class"
    bl_label = "Set Class"
    bl_options = {"REGISTER", "UNDO"}

    class_name: StringProperty(name="Class", description="A class of the ADE20K vocabulary, e.g. 'building'")

    @classmethod
    def poll(cls, context):
        if not context.selected_objects:
            cls.poll_message_set("Select one or more objects first")
            return False
        return True

    def execute(self, context):
        with reported(self):
            name = self.class_name or context.scene.segaddon.class_name
            if name:
                name = vocabulary.load("ade20k").lookup(name).name
            for one in context.selected_objects:
                if name:
                    one["seg_class"] = name
                else:
                    one.pop("seg_class", None)
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_add_camera(bpy.types.Operator):
    """Add a camera that frames the whole scene and make it the active one"""

    bl_idname = "segaddon.add_camera"
    bl_label = "Add Framing Camera"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context):
        with reported(self):
            api.add_camera(context.scene)
            return {"FINISHED"}
        return {"CANCELLED"}


CLASSES = (SEGADDON_OT_capture, SEGADDON_OT_set_class, SEGADDON_OT_add_camera)
