# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""The list of a picture's masks."""

import bpy
from bpy.props import EnumProperty, StringProperty

from .. import api
from ..protocol.errors import InvalidInput
from . import retouch_masks, running
from .reporting import reported
from .retouch_click import IMAGE


class OnImage:
    """For the picture that is shown, or a named one.

    ``poll`` cannot know what a script names: it speaks for Image Editors alone, everywhere else ``execute`` reports.
    """

    bl_options = {"UNDO"}

    image: IMAGE

    @staticmethod
    def refusal(_image: bpy.types.Image) -> tuple[str, str] | None:
        """(why this cannot be done with the image now, what to do about it), None where it can."""
        return None

    @classmethod
    def poll(cls, context):
        if context.space_data is None or context.space_data.type != "IMAGE_EDITOR":
            return True
        image = context.space_data.image
        if image is None:
            cls.poll_message_set("Open a picture that SegAddon made, or any image")
            return False
        reason = retouch_masks.refusal(image, context.scene) or cls.refusal(image)
        if reason:
            cls.poll_message_set(". ".join(reason))
        return not reason

    def found(self, context) -> bpy.types.Image:
        """The image. Raises InvalidInput where this cannot be done with it."""
        image = retouch_masks.find_image(context, self.image)
        reason = self.refusal(image)
        if reason:
            raise InvalidInput(*reason)
        return image

    def execute(self, context):
        with reported(self):
            self.do(context, self.found(context))
            api.show_image_overlay()
            running.redraw()
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_mask_of(OnImage, bpy.types.Operator):
    """Make a mask of objects of the scene, or of everything of a kind"""

    bl_idname = "segaddon.mask_of"
    bl_label = "Mask Of"

    what: EnumProperty(
        name="What",
        items=[
            ("SELECTED", "Selected Objects", "The objects that are selected in the 3D View"),
            ("TEXT", "Words", "Everything of a class, or with these words in its name"),
            ("ALPHA", "Alpha", "What is not transparent"),
        ],
        options={"SKIP_SAVE"},
    )
    text: StringProperty(name="Words", description="A class or words of a name, e.g. 'tree'", options={"SKIP_SAVE"})

    @classmethod
    def description(cls, _context, properties):
        if properties.what == "TEXT":
            return "Make a mask of everything that words name, e.g. 'tree'"
        if properties.what == "ALPHA":
            return "Make a mask of what is not transparent in the picture"
        return "Make a mask of the objects that are selected in the 3D View"

    def invoke(self, context, _event):
        if self.what == "TEXT":
            return context.window_manager.invoke_props_dialog(self, width=300)
        return self.execute(context)

    def draw(self, _context):
        self.layout.activate_init = True
        self.layout.prop(self, "text", text="")

    def do(self, context, image):
        if self.what == "SELECTED":
            names = [one.name for one in context.selected_objects]
            if not names:
                raise InvalidInput("No object is selected", "Select objects in the 3D View")
            found = api.segment(image, objects=names)
        elif self.what == "ALPHA":
            found = [api.alpha_mask(image)]
        else:
            if not self.text.strip():
                raise InvalidInput("No words were given", "Type what is meant, e.g. 'tree'")
            found = api.segment(image, text=self.text)
        mask = retouch_masks.add(image, found[0].label)
        retouch_masks.fill(mask, found)
        mask.by_model = found[0].source not in ("scene", "alpha")
        image.segaddon.is_open = True


class SEGADDON_OT_set_segmenter(bpy.types.Operator):
    """Answer clicks on what is no object of the scene with this"""

    bl_idname = "segaddon.set_segmenter"
    bl_label = "Set Segmenter"
    bl_options = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Segmenter", description="As the server calls it; empty: its best", options={"SKIP_SAVE"})

    def execute(self, context):
        context.scene.segaddon.retouch.segmenter = self.name
        return {"FINISHED"}


class _OnMask(OnImage):
    """For the active mask of the picture."""

    @staticmethod
    def refusal(image):
        none = retouch_masks.active(image) is None
        return ("The picture has no active mask", "Click on it with the Retouch tool") if none else None


class SEGADDON_OT_mask_remove(_OnMask, bpy.types.Operator):
    """Delete the active mask"""

    bl_idname = "segaddon.mask_remove"
    bl_label = "Delete Mask"

    def do(self, _context, image):
        retouch_masks.remove(image, image.segaddon.active_mask)


class SEGADDON_OT_mask_copy(_OnMask, bpy.types.Operator):
    """Add a copy of the active mask"""

    bl_idname = "segaddon.mask_copy"
    bl_label = "Duplicate Mask"

    def do(self, _context, image):
        number = image.segaddon.active_mask
        made = retouch_masks.add(image, image.segaddon.masks[number].name)
        retouch_masks.copy(image.segaddon.masks[number], made)


class SEGADDON_OT_mask_move(_OnMask, bpy.types.Operator):
    """Move the active mask in the list: masks are combined from the top to the bottom"""

    bl_idname = "segaddon.mask_move"
    bl_label = "Move Mask"

    direction: EnumProperty(name="Direction", items=[("UP", "Up", ""), ("DOWN", "Down", "")], options={"SKIP_SAVE"})

    def do(self, _context, image):
        record = image.segaddon
        there = record.active_mask + (-1 if self.direction == "UP" else 1)
        if 0 <= there < len(record.masks):
            record.masks.move(record.active_mask, there)
            record.active_mask = there
            record.is_open = False


class SEGADDON_OT_mask_bake(OnImage, bpy.types.Operator):
    """Make one mask of all that are in use, with their numbers"""

    bl_idname = "segaddon.mask_bake"
    bl_label = "Combine to New Mask"

    def do(self, context, image):
        size = retouch_masks.size_of(image, context.scene)
        array = retouch_masks.together(image, size)
        if array is None or not array.any():
            raise InvalidInput("The masks in use cover nothing", "Click on the picture, or tick a mask")
        for one in image.segaddon.masks:
            one.use = False
        retouch_masks.fill(
            retouch_masks.add(image, "Combined"), [api.Mask(array, 1.0, "Several masks", source="masks")]
        )
        image.segaddon.is_open = False


CLASSES = (
    SEGADDON_OT_mask_of,
    SEGADDON_OT_set_segmenter,
    SEGADDON_OT_mask_remove,
    SEGADDON_OT_mask_copy,
    SEGADDON_OT_mask_move,
    SEGADDON_OT_mask_bake,
)
