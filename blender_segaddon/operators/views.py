# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Several views of one scene."""

import random

import bpy
from bpy.props import StringProperty

from .. import api
from ..properties import SEEDS
from . import model_options, running
from .generation import has_camera, keep
from .placing import keep_picture_of, placement_named
from .reporting import reported, show_in_image_editor, show_in_new_window


def has_projection(cls, context) -> bool:
    """For ``poll``: whether a picture is projected; says so if not."""
    if not any(one.kind == "projection" for one in api.placements(context.scene)):
        cls.poll_message_set("Project a picture first")
        return False
    return True


class SEGADDON_OT_next_view(running.Modal, bpy.types.Operator):
    """Paint what the scene's camera sees and no picture covers yet, and add it to the views; what is known stays"""

    bl_idname = "segaddon.next_view"
    bl_label = "Paint This View"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return running.is_idle(cls) and has_camera(cls, context) and has_projection(cls, context)

    def start(self, context):
        settings = context.scene.segaddon
        seed = None if settings.random_seed else settings.seed
        prompt = model_options.words_of(context.scene).prompt(settings.prompt)
        return api.start_next_view(None, prompt, scene=context.scene, seed=seed)

    def finish(self, context, scene, placement):
        keep_picture_of(context, scene, placement)
        self.report({"INFO"}, f"Placed '{placement.name}'")


class SEGADDON_OT_suggest_camera(running.Modal, bpy.types.Operator):
    """Add a camera that sees most of what no picture covers yet, and make it the scene's"""

    bl_idname = "segaddon.suggest_camera"
    bl_label = "Suggest Camera"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return running.is_idle(cls) and has_camera(cls, context)

    def start(self, context):
        return api.start_suggest_cameras(1, scene=context.scene)

    def finish(self, _context, scene, made):
        if not made:
            self.report({"INFO"}, "Nothing worth a view is bare")
            return
        scene.camera = made[0]
        self.report({"INFO"}, f"'{made[0].name}' is the camera now")


class SEGADDON_OT_show_coverage(bpy.types.Operator):
    """Show what of this camera's view the pictures cover: green is sharp, yellow is coarse, red is bare"""

    bl_idname = "segaddon.show_coverage"
    bl_label = "Show Coverage"

    @classmethod
    def poll(cls, context):
        return running.is_idle(cls) and has_camera(cls, context) and has_projection(cls, context)

    def execute(self, context):
        with reported(self):
            found = api.coverage(scene=context.scene)
            image = api.coverage_image(found)
            if not bpy.app.background and not show_in_image_editor(context, image):
                show_in_new_window(image)
            self.report({"INFO"}, f"{100 * found.share:.0f} % of what this camera sees is covered")
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_show_placement(bpy.types.Operator):
    """Show or hide this picture without taking it away"""

    bl_idname = "segaddon.show_placement"
    bl_label = "Show or Hide"
    bl_options = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Placement")

    def execute(self, context):
        with reported(self):
            placement = placement_named(context, self.name)
            api.show_placement(placement, not placement.shown)
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_repaint_view(running.Modal, bpy.types.Operator):
    """Paint this picture again with another seed, in its place; views that were painted on from it follow"""

    bl_idname = "segaddon.repaint_view"
    bl_label = "Regenerate"
    bl_options = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Placement")

    @classmethod
    def poll(cls, _context):
        return running.is_idle(cls)

    def start(self, context):
        return api.start_repaint_view(placement_named(context, self.name), seed=random.randrange(SEEDS))

    def finish(self, context, scene, placed):
        keep_picture_of(context, scene, placed[0])
        self.report({"INFO"}, f"Painted {len(placed)} view{'s' if len(placed) > 1 else ''} again")


class SEGADDON_OT_send_to_image_editor(bpy.types.Operator):
    """Open this picture in an Image Editor, and make it the one that the buttons work on"""

    bl_idname = "segaddon.send_to_image_editor"
    bl_label = "Send to Image Editor"
    bl_options = {"INTERNAL"}

    name: StringProperty(name="Placement")

    def execute(self, context):
        with reported(self):
            picture = api.picture_of(placement_named(context, self.name))
            if picture is None:
                self.report({"WARNING"}, "Its picture was deleted")
                return {"CANCELLED"}
            keep(context, context.scene, picture)
            if not bpy.app.background and not show_in_image_editor(context, picture.image):
                show_in_new_window(picture.image)
            return {"FINISHED"}
        return {"CANCELLED"}


CLASSES = (
    SEGADDON_OT_next_view,
    SEGADDON_OT_suggest_camera,
    SEGADDON_OT_show_coverage,
    SEGADDON_OT_show_placement,
    SEGADDON_OT_repaint_view,
    SEGADDON_OT_send_to_image_editor,
)
