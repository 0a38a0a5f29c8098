# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""What is made of a mask: candidates to choose from, and the steps that a picture went through."""

import time

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, IntVectorProperty, StringProperty

from .. import api
from ..core import mask_codes, masks
from ..properties import INTENTS
from ..protocol.errors import InvalidInput
from . import retouch_masks, running
from .generation import seed_of
from .retouch_history import add_step, origin_of, show, step_to
from .retouch_list import OnImage

_MOST = 48
"""Results in one file that wait to be chosen from; each is a packed picture."""
_FIRST_SECOND = 1577836800
"""Seconds of the beginning of 2020: Blender's whole numbers end in 2038."""
_WORDLESS = {"REMOVE", "EXTEND"}
"""Intents that need no prompt."""


class _Retouching(running.Modal, OnImage):
    """What paints something new under the masks in use."""

    @classmethod
    def poll(cls, context):
        return running.is_idle(cls) and super().poll(context)

    @staticmethod
    def refusal(image):
        if len(image.segaddon.results):
            return "There are results to choose from", "Accept or discard them first"
        if not any(one.use for one in image.segaddon.masks):
            return "Nothing is masked", "Click on the picture with the Retouch tool"
        return None

    def gathered(self, context) -> tuple[bpy.types.Image, api.Mask]:
        """The image and what is masked in it. Raises InvalidInput where that is nothing."""
        image = self.found(context)
        size = retouch_masks.size_of(image, context.scene)
        mask = retouch_masks.as_given(image, size)
        if mask is None or not mask.array.any():
            other = any(one.use and not retouch_masks.fits(one, size) for one in image.segaddon.masks)
            text = "The masks are of another size than the picture" if other else "The mask is empty"
            raise InvalidInput(text, "Click on the picture with the Retouch tool")
        self._image, self._size = image.name, size
        self._matte = mask_codes.encode(masks.dilate(mask.array, image.segaddon.feather))
        return image, mask

    def finish(self, _context, scene, made):
        image = bpy.data.images.get(self._image)
        if image is None or retouch_masks.size_of(image, scene) != self._size:
            kept = ", ".join(f"'{one.image.name}'" for one in made)
            raise InvalidInput(f"'{self._image}' was deleted or changed meanwhile", f"The result is kept as {kept}")
        record = image.segaddon
        for picture in made:
            result = record.results.add()
            result.image, result.did, result.matte = picture.image, self.did(), self._matte
            result.made = int(time.time()) - _FIRST_SECOND
        record.result, record.is_open = 0, False
        _keep_within(_MOST, but=image)
        scene.segaddon.retouch.wipe = 0.5
        api.show_image_overlay()
        self.report({"INFO"}, f"{len(made)} to choose from" if len(made) > 1 else "Accept or discard the result")


class SEGADDON_OT_inpaint(_Retouching, bpy.types.Operator):
    """Paint what is masked anew, as prompt and intent say; every other pixel stays as it is"""

    bl_idname = "segaddon.inpaint"
    bl_label = "Inpaint Picture"

    prompt: StringProperty(name="Prompt", description="The panel's when empty", options={"SKIP_SAVE"})
    intent: EnumProperty(name="Intent", items=[("PANEL", "As in the Panel", ""), *INTENTS], options={"SKIP_SAVE"})
    strength: FloatProperty(
        name="Strength", description="0..1; the panel's when less than 0", default=-1, max=1, options={"SKIP_SAVE"}
    )
    count: IntProperty(name="Candidates", description="The panel's when 0", min=0, max=16, options={"SKIP_SAVE"})

    def start(self, context):
        image, mask = self.gathered(context)
        settings = context.scene.segaddon.retouch
        intent = settings.intent if self.intent == "PANEL" else self.intent
        prompt = (self.prompt or settings.prompt).strip()
        if not prompt and intent not in _WORDLESS:
            raise InvalidInput("Nothing says what should be there", "Type a prompt, e.g. 'a red door'")
        self._did = f"{dict((one[0], one[1]) for one in INTENTS)[intent]}: {prompt}".removesuffix(": ")
        seed, count = seed_of(context.scene), self.count or settings.count
        softness = float(image.segaddon.feather)
        model = context.scene.segaddon.model or None
        if intent == "REMOVE":
            return api.start_remove(image, mask, seed=seed, count=count, softness=softness, model=model)
        strength = settings.strength if self.strength < 0 else self.strength
        return api.inpaint(
            image,
            mask,
            prompt,
            model=model,
            intent=intent.lower(),
            strength=strength,
            softness=softness,
            count=count,
            seed=seed,
            wait=False,
        )

    def did(self) -> str:
        return self._did


class SEGADDON_OT_remove(_Retouching, bpy.types.Operator):
    """Take away what is masked and show what is behind it; every other pixel stays as it is"""

    bl_idname = "segaddon.remove"
    bl_label = "Remove from Picture"

    def start(self, context):
        image, mask = self.gathered(context)
        softness = float(image.segaddon.feather)
        return api.start_remove(image, mask, seed=seed_of(context.scene), softness=softness)

    def did(self) -> str:
        return "Remove"


class SEGADDON_OT_extend(running.Modal, OnImage, bpy.types.Operator):
    """Make the picture larger by the panel's margins; its own pixels stay as they are"""

    bl_idname = "segaddon.extend"
    bl_label = "Extend Picture"

    margins: IntVectorProperty(
        name="Margins", description="Left, right, top, bottom; the panel's when all 0", size=4, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context):
        return running.is_idle(cls) and super().poll(context)

    @staticmethod
    def refusal(image):
        waits = len(image.segaddon.results)
        return ("There are results to choose from", "Accept or discard them first") if waits else None

    def start(self, context):
        image, settings = self.found(context), context.scene.segaddon.retouch
        margins = tuple(self.margins) if any(self.margins) else tuple(settings.margins)
        self._image, self._margins = image.name, margins
        left, right, top, bottom = margins
        return api.start_extend(
            image,
            left=left,
            right=right,
            top=top,
            bottom=bottom,
            prompt=settings.prompt.strip(),
            seed=seed_of(context.scene),
            model=context.scene.segaddon.model or None,
        )

    def finish(self, context, _scene, made):
        image, result = bpy.data.images.get(self._image), made[0].image
        if image is None:
            raise InvalidInput(f"'{self._image}' was deleted meanwhile", f"The result is kept as '{result.name}'")
        api.accept(result)
        add_step(image, result, "Extend")
        retouch_masks.pad(result, self._margins)
        result.segaddon.patch = image.segaddon.patch  # renders do not grow with it
        show(context, image, result)


class _OnResults(OnImage):
    """For a picture of which something was made."""

    @staticmethod
    def refusal(image):
        return None if len(image.segaddon.results) else ("There is no result", "Inpaint first")


class SEGADDON_OT_result_next(_OnResults, bpy.types.Operator):
    """Show the next candidate"""

    bl_idname = "segaddon.result_next"
    bl_label = "Next Result"
    bl_options = {"INTERNAL"}

    step: IntProperty(name="Step", description="-1: the one before", default=1, options={"SKIP_SAVE"})

    def do(self, _context, image):
        record = image.segaddon
        record.result = (record.result + self.step) % len(record.results)


class SEGADDON_OT_result_accept(_OnResults, bpy.types.Operator):
    """Go on with this result; the picture before it stays in the history"""

    bl_idname = "segaddon.result_accept"
    bl_label = "Accept Result"

    def do(self, context, image):
        chosen = image.segaddon.results[min(image.segaddon.result, len(image.segaddon.results) - 1)]
        result, did, matte = chosen.image, chosen.did, chosen.matte
        if result is None:
            image.segaddon.results.clear()
            raise InvalidInput("The result was deleted", "Inpaint again")
        api.accept(result)
        if not (result.is_float or image.is_float):  # a texture of raw values stays one
            result.colorspace_settings.name = image.colorspace_settings.name
        _drop_results(image, but=result)
        add_step(image, result, did)
        show(context, image, result)
        if origin_of(image).type == "RENDER_RESULT" and matte and result.is_float:
            self._patch(context, image, result, matte)

    def _patch(self, context, image, result, matte):
        size = retouch_masks.size_of(origin_of(image), context.scene)
        if tuple(result.size) != size:
            result.segaddon.patch = image.segaddon.patch
            self.report({"INFO"}, "Renders are of another size now: the compositor does not put it over them")
            return
        result.segaddon.patch = api.patch_render(result, mask_codes.decode(matte), scene=context.scene)
        self.report({"INFO"}, "The compositor puts it over every render of this scene")


class SEGADDON_OT_patch_remove(bpy.types.Operator):
    """Let the compositor put nothing over renders any more; the pictures stay"""

    bl_idname = "segaddon.patch_remove"
    bl_label = "Take out of Compositor"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return api.render_patch(context.scene) is not None

    def execute(self, context):
        api.set_render_patch(None, scene=context.scene)
        return {"FINISHED"}


class SEGADDON_OT_result_discard(_OnResults, bpy.types.Operator):
    """Forget all results; the picture stays as it is"""

    bl_idname = "segaddon.result_discard"
    bl_label = "Discard Results"

    def do(self, _context, image):
        _drop_results(image)


class SEGADDON_OT_purge_results(bpy.types.Operator):
    """Delete all results that were neither accepted nor discarded, of all pictures in this file"""

    bl_idname = "segaddon.purge_results"
    bl_label = "Purge Candidates"
    bl_options = {"UNDO"}

    def execute(self, _context):
        waiting = _waiting()
        kept = [result.image for one in waiting for result in one.segaddon.results if result.image is not None]
        size = sum(one.packed_file.size for one in kept if one.packed_file)
        for name in [one.name for one in waiting]:
            one = bpy.data.images.get(name)
            if one is not None:  # else a result itself, that went with the others
                _drop_results(one)
        api.redraw_image_overlay()
        running.redraw()
        self.report({"INFO"}, f"{len(kept)} pictures deleted, {size / 1e6:.1f} MB less in the file")
        return {"FINISHED"}


class SEGADDON_OT_history_show(OnImage, bpy.types.Operator):
    """Go back, or forward, to this step of the picture"""

    bl_idname = "segaddon.history_show"
    bl_label = "Go to Step"
    bl_options = {"INTERNAL"}

    step: IntProperty(name="Step", description="0 is the picture as it was first", min=0, options={"SKIP_SAVE"})

    def do(self, context, image):
        step_to(context, image, self.step)


def _drop_results(image: bpy.types.Image, but: bpy.types.Image | None = None) -> None:
    record = image.segaddon
    dropped = [one.image for one in record.results if one.image not in (None, but)]
    record.results.clear()
    record.result = 0
    for one in dropped:
        bpy.data.images.remove(one)


def _keep_within(most: int, but: bpy.types.Image) -> None:
    """Forget the oldest results of other pictures, until all pictures of the file have no more than ``most``."""
    for name in [one.name for one in sorted(_waiting(), key=lambda one: one.segaddon.results[0].made)]:
        one = bpy.data.images.get(name)  # None: a result of another one that went
        if one not in (None, but) and sum(len(image.segaddon.results) for image in _waiting()) > most:
            _drop_results(one)


def _waiting() -> list[bpy.types.Image]:
    """The pictures with results to choose from."""
    return [one for one in bpy.data.images if len(one.segaddon.results)]


CLASSES = (
    SEGADDON_OT_inpaint,
    SEGADDON_OT_remove,
    SEGADDON_OT_extend,
    SEGADDON_OT_result_next,
    SEGADDON_OT_result_accept,
    SEGADDON_OT_patch_remove,
    SEGADDON_OT_result_discard,
    SEGADDON_OT_purge_results,
    SEGADDON_OT_history_show,
)
