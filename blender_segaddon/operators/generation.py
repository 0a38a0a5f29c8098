# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Pictures from the scene, and one object of a picture replaced."""

import bpy
from bpy.props import StringProperty

from .. import api
from . import running
from .reporting import show_in_image_editor


def _busy(cls) -> bool:
    if running.job is not None:
        cls.poll_message_set("A picture is being made; press Esc to cancel it")
        return True
    return False


def _seed(scene: bpy.types.Scene) -> int | None:
    return None if scene.segaddon.random_seed else scene.segaddon.seed


def _keep(context: bpy.types.Context, picture: api.Picture) -> None:
    settings = context.scene.segaddon
    settings.picture = picture.image
    settings.seed = picture.meta["seed"] % 2**31
    show_in_image_editor(context, picture.image)


class SEGADDON_OT_generate(running.Modal, bpy.types.Operator):
    """Make a picture that sits exactly on the scene"""

    bl_idname = "segaddon.generate"
    bl_label = "Generate Preview"
    bl_options = {"REGISTER", "UNDO"}

    prompt: StringProperty(name="Prompt", description="What the picture shows; the scene's prompt when empty")

    @classmethod
    def poll(cls, _context):
        return not _busy(cls)

    def start(self, context):
        scene = context.scene
        return api.generate(
            self.prompt or scene.segaddon.prompt, maps=api.capture(scene), seed=_seed(scene), wait=False
        )

    def finish(self, context, pictures):
        _keep(context, pictures[0])
        self.report({"INFO"}, f"Made '{pictures[0].image.name}'")


class SEGADDON_OT_retouch_object(running.Modal, bpy.types.Operator):
    """Replace the active object in the picture by what the prompt says; everything else stays identical"""

    bl_idname = "segaddon.retouch_object"
    bl_label = "Replace Active Object"
    bl_options = {"REGISTER", "UNDO"}

    prompt: StringProperty(name="Prompt", description="What should stand there; the scene's text when empty")

    @classmethod
    def poll(cls, context):
        if _busy(cls):
            return False
        if context.scene.segaddon.picture is None:
            cls.poll_message_set("Generate a picture first")
            return False
        if context.active_object is None:
            cls.poll_message_set("Make the object active that should be replaced")
            return False
        return True

    def start(self, context):
        settings = context.scene.segaddon
        mask = api.segment(settings.picture, objects=[context.active_object])[0]
        prompt = self.prompt or settings.retouch_prompt
        return api.inpaint(settings.picture, mask, prompt, seed=_seed(context.scene), wait=False)

    def finish(self, context, pictures):
        _keep(context, pictures[0])
        self.report({"INFO"}, f"Made '{pictures[0].image.name}'")


CLASSES = (SEGADDON_OT_generate, SEGADDON_OT_retouch_object)
