# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Masks from clicks and boxes on a picture: the scene's own objects at once, anything else from a segmenter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import bpy
from bpy.props import EnumProperty, FloatVectorProperty, IntProperty, StringProperty

from .. import api
from ..core import masks as _masks
from ..protocol.errors import InvalidInput
from . import retouch_masks, running
from .reporting import reported

IMAGE = StringProperty(
    name="Image", description="Name of the image; the one that is shown when empty", options={"SKIP_SAVE"}
)
HOW = EnumProperty(
    name="How",
    items=[
        ("NEW", "New", "The mask of this alone"),
        ("ADD", "Add", "Also this"),
        ("TAKE", "Take Away", "Without this"),
    ],
    options={"SKIP_SAVE"},
)
SOURCE = EnumProperty(
    name="Ask",
    items=[
        ("AUTO", "As Before", "The scene where the picture has maps, else a model; a mask goes on as it began"),
        ("SCENE", "Scene", "Exact objects, from the maps that the picture was made from"),
        ("MODEL", "Model", "What the best segmenter of the server sees"),
    ],
    options={"SKIP_SAVE"},
)


@dataclass(frozen=True)
class Prompt:
    """What was clicked, and what becomes of it. Holds names: a model takes a while."""

    image: str
    size: tuple[int, int]
    how: str
    by_model: bool
    points: tuple[tuple[float, float, bool], ...]
    box: tuple[float, float, float, float] | None
    refine: api.Mask | None = None
    """a segmenter's mask that all points and the box now refine"""


class _Pointing(running.Modal):
    """Mixin: what points at something in a picture."""

    bl_options = {"UNDO"}

    def pointed(self) -> tuple[tuple[tuple[float, float, bool], ...], tuple[float, float, float, float] | None]:
        """(points, box)"""
        raise NotImplementedError

    def invoke(self, context, event):
        with reported(self):
            self._prompt = self._gather(context)
            return super().invoke(context, event) if self._prompt.by_model else self.execute(context)
        return {"CANCELLED"}

    def execute(self, context):
        with reported(self):
            prompt = self._gather(context)
            found = self._ask(prompt).result() if prompt.by_model else of_scene(prompt)
            put(context, prompt, found)
            return {"FINISHED"}
        return {"CANCELLED"}

    def start(self, _context):
        return self._ask(self._prompt)

    def finish(self, context, _scene, found):
        put(context, self._prompt, found)

    def _gather(self, context) -> Prompt:
        image = retouch_masks.find_image(context, self.image)
        points, box = self.pointed()
        before = None if self.how == "NEW" else retouch_masks.active(image)
        if before is None and self.how == "TAKE":
            raise InvalidInput("There is no mask to take anything from", "Click on a thing first")
        by_model = self.source == "MODEL"
        if self.source == "AUTO":
            by_model = not retouch_masks.has_maps(image) or (before is not None and before.by_model)
        if by_model and not running.is_idle(type(self)):
            raise InvalidInput("Something is being made already", "Wait for it, or cancel it with Esc")
        size = retouch_masks.size_of(image, context.scene)
        prompt = Prompt(image.name, size, self.how, by_model, points, box)
        return _going_on(prompt, before) if by_model and before is not None and before.by_model else prompt

    @staticmethod
    def _ask(prompt: Prompt) -> api.Job:
        wanted = [good for _x, _y, good in prompt.points]
        if prompt.box is None and not any(wanted):  # what is there is looked for, and taken away afterwards
            wanted = [True] * len(wanted)
        return api.start_segment(
            bpy.data.images[prompt.image],
            points=[(x, y) for x, y, _ in prompt.points] or None,
            labels=[int(one) for one in wanted] or None,
            box=prompt.box,
            refine=prompt.refine,
            model=bpy.context.scene.segaddon.retouch.segmenter or None,
            several=len(prompt.points) == 1 and prompt.box is None,
        )


def _going_on(prompt: Prompt, before: bpy.types.PropertyGroup) -> Prompt:
    """With all that was clicked for this mask before."""
    points = tuple((one.x, one.y, one.positive) for one in before.points)
    box = prompt.box or (tuple(before.box) if any(before.box) else None)
    refine, wanted = retouch_masks.refinable(before), bpy.context.scene.segaddon.retouch.segmenter
    if refine is not None and wanted not in ("", refine.source):  # another one begins anew, with all the clicks
        refine = None
    return replace(prompt, points=points + prompt.points, box=box, refine=refine)


def of_scene(prompt: Prompt) -> list[api.Mask]:
    """What the maps say of a prompt; of one thing alone also all of its class."""
    image = bpy.data.images[prompt.image]
    if prompt.box is not None:
        return api.segment(image, box=prompt.box, model="scene")
    found = api.segment(image, points=[(x, y) for x, y, _ in prompt.points], model="scene")
    maps = api.seen_in(image)
    if maps is None or len(found[0].ids) != 1 or not found[0].ids[0]:
        return found
    kind = maps.instance(found[0].ids[0]).class_name
    alike = [one.id for one in maps.instances if kind and one.class_name == kind]
    if len(alike) < 2:
        return found
    everything = replace(
        found[0], array=_masks.from_ids(maps.instance_map, alike), label=f"Every {kind}", ids=tuple(alike)
    )
    return [*found, everything]


def put(context: bpy.types.Context, prompt: Prompt, found: Sequence[api.Mask]) -> None:
    """Make what was found the open mask of the image, or a part of it.

    Raises:
        InvalidInput: the image is gone or has changed its size meanwhile; its masks stay as they were.
    """
    image = bpy.data.images.get(prompt.image)
    if image is None or retouch_masks.size_of(image, context.scene) != prompt.size:
        raise InvalidInput(f"'{prompt.image}' was deleted or changed meanwhile", "Click again")
    record = image.segaddon
    before = retouch_masks.active(image)
    goes_on = prompt.how != "NEW" and before is not None
    if goes_on and prompt.refine is None and not (prompt.by_model and before.by_model):
        found = [_joined(before, one, prompt.how) for one in found[:1]]
    if goes_on or (record.is_open and before is not None):
        mask = before
        if not goes_on:
            mask.name = retouch_masks.free_name(image, found[0].label)
    else:
        mask = retouch_masks.add(image, found[0].label)
    retouch_masks.fill(mask, found)
    _note(mask, prompt, keep=goes_on and prompt.refine is None and not (prompt.by_model and before.by_model))
    record.is_open = mask.use = True
    api.show_image_overlay()
    running.redraw()


def _note(mask: bpy.types.PropertyGroup, prompt: Prompt, keep: bool) -> None:
    """Write down what was clicked."""
    if not keep:
        mask.points.clear()
        mask.box = prompt.box or (0, 0, 0, 0)
        mask.by_model = prompt.by_model
    for x, y, good in prompt.points:
        point = mask.points.add()
        point.x, point.y, point.positive = x, y, good


def _joined(before: bpy.types.PropertyGroup, more: api.Mask, how: str) -> api.Mask:
    """The mask with, or without, another one."""
    candidate = retouch_masks.chosen(before)
    if candidate is None:
        return more
    old = retouch_masks.shaped(candidate.code)
    array = _masks.combine([old, more.array], "add" if how == "ADD" else "subtract")
    if not array.any():
        raise InvalidInput("Nothing of the mask would be left", "Clear it with Backspace")
    names = [name for name in candidate.label.split(", ") if name != more.label]
    label = ", ".join([*names, more.label] if how == "ADD" else names) or candidate.label
    ids = {int(one) for one in candidate.ids.split()}
    known = (ids or not candidate.ids) and candidate.source == more.source == "scene"
    ids = (ids | set(more.ids) if how == "ADD" else ids - set(more.ids)) if known else set()
    return api.Mask(array, min(candidate.score, more.score), label, tuple(sorted(ids)), more.source)


class SEGADDON_OT_mask_click(_Pointing, bpy.types.Operator):
    """Make a mask of what is at a place of the picture"""

    bl_idname = "segaddon.mask_click"
    bl_label = "Mask by Click"

    image: IMAGE
    at: FloatVectorProperty(name="At", description="Pixels from the top left corner", size=2, options={"SKIP_SAVE"})
    how: HOW
    source: SOURCE

    def pointed(self):
        return ((*self.at, self.how != "TAKE"),), None


class SEGADDON_OT_mask_box(_Pointing, bpy.types.Operator):
    """Make a mask of what fills a box in the picture"""

    bl_idname = "segaddon.mask_box"
    bl_label = "Mask by Box"

    image: IMAGE
    box: FloatVectorProperty(
        name="Box", description="x0, y0, x1, y1 in pixels from the top left corner", size=4, options={"SKIP_SAVE"}
    )
    how: HOW
    source: SOURCE

    def pointed(self):
        x0, y0, x1, y1 = self.box
        return (), (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


class _OfMask:
    """For the mask that is being clicked together."""

    bl_options = {"UNDO"}

    image: IMAGE

    @classmethod
    def poll(cls, context):
        if context.space_data is None or context.space_data.type != "IMAGE_EDITOR":
            return True  # a script may name another image
        image = context.space_data.image
        if image is None or retouch_masks.active(image) is None:
            cls.poll_message_set("There is no mask: click on the picture first")
            return False
        return True

    def found(self, context) -> bpy.types.Image:
        """The image, which has an active mask. Raises InvalidInput where it has none."""
        image = retouch_masks.find_image(context, self.image)
        if retouch_masks.active(image) is None:
            raise InvalidInput("There is no mask", "Click on the picture first")
        return image


class SEGADDON_OT_mask_candidate(_OfMask, bpy.types.Operator):
    """Show the next meaning of the clicks"""

    bl_idname = "segaddon.mask_candidate"
    bl_label = "Next Candidate"
    bl_options = {"INTERNAL"}

    step: IntProperty(name="Step", description="-1: the one before", default=1, options={"SKIP_SAVE"})

    def execute(self, context):
        with reported(self):
            mask = retouch_masks.active(self.found(context))
            if len(mask.candidates) < 2:
                return {"CANCELLED"}
            mask.candidate = (mask.candidate + self.step) % len(mask.candidates)
            running.redraw()
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_mask_accept(_OfMask, bpy.types.Operator):
    """Take the mask as it is; the next click begins another one"""

    bl_idname = "segaddon.mask_accept"
    bl_label = "Accept Mask"

    def execute(self, context):
        with reported(self):
            self.found(context).segaddon.is_open = False
            api.redraw_image_overlay()
            running.redraw()
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_mask_clear(_OfMask, bpy.types.Operator):
    """Take back all clicks of this mask"""

    bl_idname = "segaddon.mask_clear"
    bl_label = "Clear Clicks"

    def execute(self, context):
        with reported(self):
            image = self.found(context)
            retouch_masks.remove(image, image.segaddon.active_mask)
            return {"FINISHED"}
        return {"CANCELLED"}


CLASSES = (
    SEGADDON_OT_mask_click,
    SEGADDON_OT_mask_box,
    SEGADDON_OT_mask_candidate,
    SEGADDON_OT_mask_accept,
    SEGADDON_OT_mask_clear,
)
