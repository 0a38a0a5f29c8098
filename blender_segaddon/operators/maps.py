# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Maps as images."""

import bpy
from bpy.props import StringProperty

from .. import api
from . import running
from .classes import last_reports
from .generation import has_camera
from .reporting import reported, show_in_image_editor, show_in_new_window


class SEGADDON_OT_capture(running.Modal, bpy.types.Operator):
    """Render the semantic, instance, depth and normal maps of the scene as images"""

    bl_idname = "segaddon.capture"
    bl_label = "Capture Maps"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return running.is_idle(cls) and has_camera(cls, context)

    def execute(self, context):
        with reported(self):
            self.finish(context, context.scene, api.capture(context.scene))
            return {"FINISHED"}
        return {"CANCELLED"}

    def begin(self, context):
        return api.start_capture(context.scene)

    def finish(self, context, scene, maps):
        show_in_image_editor(context, api.map_images(maps)["semantic_map"])
        last_reports[scene.name] = api.quality(maps)
        self.report({"INFO"}, maps.summary())


class SEGADDON_OT_show_image(bpy.types.Operator):
    """Show the image in an open Image Editor, or in a new window"""

    bl_idname = "segaddon.show_image"
    bl_label = "Show Image"
    bl_options = {"INTERNAL"}

    name: StringProperty(name="Image")

    def execute(self, context):
        image = bpy.data.images.get(self.name)
        if image is None:
            self.report({"ERROR"}, f"There is no image '{self.name}'. Capture or generate it again")
            return {"CANCELLED"}
        if not show_in_image_editor(context, image) and not bpy.app.background:
            show_in_new_window(image)
        return {"FINISHED"}


class SEGADDON_OT_add_camera(bpy.types.Operator):
    """Add a camera that frames the whole scene and make it the active one"""

    bl_idname = "segaddon.add_camera"
    bl_label = "Add Framing Camera"
    bl_options = {"UNDO"}

    def execute(self, context):
        with reported(self):
            api.add_camera(context.scene)
            return {"FINISHED"}
        return {"CANCELLED"}


CLASSES = (SEGADDON_OT_capture, SEGADDON_OT_show_image, SEGADDON_OT_add_camera)
