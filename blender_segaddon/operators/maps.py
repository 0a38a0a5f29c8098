# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Maps as images, and what things are."""

import bpy
from bpy.props import EnumProperty, StringProperty

from .. import api
from ..core import vocabulary
from .generation import has_camera
from .reporting import reported, show_in_image_editor, show_in_new_window


class SEGADDON_OT_capture(bpy.types.Operator):
    """Render the semantic, instance, depth and normal maps of the scene as images"""

    bl_idname = "segaddon.capture"
    bl_label = "Capture Maps"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return has_camera(cls, context)

    def execute(self, context):
        with reported(self):
            maps = api.capture(context.scene)
            show_in_image_editor(context, api.map_images(maps)["semantic_map"])
            self.report({"INFO"}, maps.summary())
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_show_image(bpy.types.Operator):
    """Show the image in an open Image Editor, or in a new window"""

    bl_idname = "segaddon.show_image"
    bl_label = "Show Image"

    name: StringProperty(name="Image")

    def execute(self, context):
        image = bpy.data.images.get(self.name)
        if image is None:
            self.report({"ERROR"}, f"There is no image '{self.name}'. Capture or generate it again")
            return {"CANCELLED"}
        if not show_in_image_editor(context, image) and not bpy.app.background:
            show_in_new_window(image)
        return {"FINISHED"}


class SEGADDON_OT_set_class(bpy.types.Operator):
    """Say what the selected objects are"""

    bl_idname = "segaddon.set_class"
    bl_label = "Set Class"
    bl_options = {"REGISTER", "UNDO"}
    bl_property = "choice"

    choice: EnumProperty(
        name="Class",
        items=[
            ("BY_NAME", "By Name", "The object's name decides"),
            ("none", "No Class", "It is none of the classes"),
            *((one.name, one.name.capitalize(), ", ".join(one.synonyms)) for one in vocabulary.load("ade20k").classes),
        ],
        options={"SKIP_SAVE"},
    )
    class_name: StringProperty(
        name="Class Name",
        description="For scripts: a class or synonym of the ADE20K vocabulary, instead of the choice",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context):
        if not context.selected_objects:
            cls.poll_message_set("Select one or more objects first")
            return False
        return True

    def invoke(self, context, _event):
        context.window_manager.invoke_search_popup(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        with reported(self):
            name = self.choice
            if self.class_name:
                name = vocabulary.load("ade20k").lookup(self.class_name).name
            for one in context.selected_objects:
                if name == "BY_NAME":
                    one.pop("seg_class", None)
                else:
                    one["seg_class"] = name
            api.refresh_overlay()
            return {"FINISHED"}
        return {"CANCELLED"}


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


CLASSES = (SEGADDON_OT_capture, SEGADDON_OT_show_image, SEGADDON_OT_set_class, SEGADDON_OT_add_camera)
