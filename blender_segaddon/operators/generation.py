# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Pictures from the scene, and one object of a picture replaced."""

import random

import bpy
from bpy.props import StringProperty

from .. import api
from ..properties import SEEDS
from . import model_options, running
from .reporting import show_in_image_editor


def has_camera(cls, context) -> bool:
    """For ``poll``: whether there is a camera to see the scene with; says so if not."""
    if context.scene.camera is None:
        cls.poll_message_set("The scene has no camera: add one first")
        return False
    return True


def knows_maps(cls, context) -> bool:
    """For ``poll``: whether there is a picture whose place in the scene is known; says why not."""
    image = context.scene.segaddon.picture
    if image is None:
        cls.poll_message_set("Generate a picture first")
    elif api.find_picture(image) is None:
        cls.poll_message_set("This picture is not from this session: generate it again")
    else:
        return True
    return False


def seed_of(scene: bpy.types.Scene) -> int:
    """The scene's seed, or one that its field can show, so that it can be asked for again."""
    return random.randrange(SEEDS) if scene.segaddon.random_seed else scene.segaddon.seed


def keep(context: bpy.types.Context, scene: bpy.types.Scene, picture: api.Picture) -> None:
    """Make this the picture that the scene's panel shows and its buttons work on."""
    picture.image.preview_ensure()
    scene.segaddon.picture = picture.image
    scene.segaddon.seed = picture.meta["seed"] % SEEDS
    show_in_image_editor(context, picture.image)
    api.look_ahead(picture)


def offer(scene: bpy.types.Scene, pictures: list[api.Picture]) -> None:
    """Show these as candidates, in place of those before; one picture alone is no choice."""
    candidates = scene.segaddon.generation.candidates
    candidates.clear()
    for picture in pictures if len(pictures) > 1 else ():
        picture.image.preview_ensure()
        one = candidates.add()
        one.image, one.agreement = picture.image, float(picture.meta.get("edge_agreement", 0))


class _Making(running.Modal):
    """What ends with one new picture."""

    def finish(self, context, scene, pictures):
        keep(context, scene, pictures[0])
        offer(scene, pictures)
        self.report({"INFO"}, f"Made '{pictures[0].image.name}'")


class SEGADDON_OT_generate(_Making, bpy.types.Operator):
    """Make a picture that sits exactly on the scene"""

    bl_idname = "segaddon.generate"
    bl_label = "Generate Picture"
    bl_options = {"UNDO"}

    prompt: StringProperty(name="Prompt", description="What the picture shows; the scene's prompt when empty")

    @classmethod
    def poll(cls, context):
        return running.is_idle(cls) and has_camera(cls, context)

    def start(self, context):
        return self._job(context.scene)(api.capture(context.scene))

    def begin(self, context):
        elsewhere = bool(context.scene.segaddon.model)  # there is time to look closer, for a projection
        return api.start_capture(context.scene).then(self._job(context.scene), closer=elsewhere)

    def _job(self, scene):
        """What is to be made from maps; gathered now, since the scene may change while they are captured."""
        prompt, seed = self.prompt or scene.segaddon.prompt, seed_of(scene)
        model, told, words = scene.segaddon.model or None, model_options.asked(scene), model_options.words_of(scene)

        def begin(maps: api.SceneMaps) -> api.Job:
            asked, regions = words.composed(prompt, maps), words.regions(maps)
            return api.generate(asked, maps=maps, model=model, seed=seed, regions=regions, wait=False, **told)

        return begin


class SEGADDON_OT_retouch_object(_Making, bpy.types.Operator):
    """Replace the active object in the picture by what the prompt says; everything else stays identical"""

    bl_idname = "segaddon.retouch_object"
    bl_label = "Replace in Picture"
    bl_options = {"UNDO"}

    prompt: StringProperty(name="Prompt", description="What should stand there; the scene's text when empty")

    @classmethod
    def poll(cls, context):
        if not running.is_idle(cls) or not knows_maps(cls, context):
            return False
        if context.active_object is None:
            cls.poll_message_set("Make the object active that should be replaced")
            return False
        return True

    def start(self, context):
        settings = context.scene.segaddon
        mask = api.segment(settings.picture, objects=[context.active_object])[0]
        prompt = self.prompt or settings.retouch_prompt
        seed, model = seed_of(context.scene), settings.model or None
        return api.inpaint(settings.picture, mask, prompt, model=model, seed=seed, wait=False)


class SEGADDON_OT_variation(_Making, bpy.types.Operator):
    """Make pictures near this one: the same words, maps and options, started from it"""

    bl_idname = "segaddon.variation"
    bl_label = "Vary Picture"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return running.is_idle(cls) and knows_maps(cls, context)

    def start(self, context):
        settings = context.scene.segaddon
        seed, wanted = seed_of(context.scene), settings.generation
        return api.variation(settings.picture, wanted.amount, count=wanted.count, seed=seed, wait=False)


class SEGADDON_OT_choose_candidate(bpy.types.Operator):
    """Go on with this picture. The number says how well its edges agree with the scene: 0.5 by chance, 1 everywhere"""

    bl_idname = "segaddon.choose_candidate"
    bl_label = "Choose"
    bl_options = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Image", options={"SKIP_SAVE"})

    def execute(self, context):
        image = bpy.data.images.get(self.name)
        if image is None:
            self.report({"ERROR"}, "This picture is gone: generate it again")
            return {"CANCELLED"}
        context.scene.segaddon.picture = image
        show_in_image_editor(context, image)
        return {"FINISHED"}


class SEGADDON_OT_cancel(bpy.types.Operator):
    """Cancel the picture that is being made"""

    bl_idname = "segaddon.cancel"
    bl_label = "Cancel Picture"

    @classmethod
    def poll(cls, _context):
        return running.current is not None

    def execute(self, _context):
        running.current.job.cancel()
        return {"FINISHED"}


CLASSES = (
    SEGADDON_OT_generate,
    SEGADDON_OT_retouch_object,
    SEGADDON_OT_variation,
    SEGADDON_OT_choose_candidate,
    SEGADDON_OT_cancel,
)
