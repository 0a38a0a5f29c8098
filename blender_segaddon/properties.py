# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""What the add-on keeps in a scene and with an image. Classes and texts of objects are plain custom properties:
seg_class, seg_text."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

from . import api, generation_properties

SEEDS = 2**31
"""How many seeds Blender's integer fields can hold: 0 .. SEEDS - 1."""

INTENTS = [
    ("REPLACE", "Replace", "Something else stands there"),
    ("CHANGE", "Change", "It keeps its form and becomes what the prompt says"),
    ("REMOVE", "Remove", "It goes, and what is behind it shows; needs no prompt"),
    (
        "EXTEND",
        "Extend",
        "What surrounds it goes on there, as the scene's maps have it; needs no prompt. Or the whole "
        "picture goes on beyond its borders",
    ),
]


def _change_vocabulary(_self, context) -> None:
    """An overlay that is shown goes with it."""
    if api.overlay() is not None:
        _show(context.window_manager.segaddon_overlay, True)


class RetouchSettings(bpy.types.PropertyGroup):
    """``scene.segaddon.retouch``: what the next retouch is asked with."""

    prompt: StringProperty(name="Prompt", description="What should be there, e.g. 'a red door'")
    intent: EnumProperty(name="Intent", description="What becomes of what is masked", items=INTENTS)
    strength: FloatProperty(
        name="Strength",
        description="How far the result may leave the picture: 0 not at all, 1 freely",
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        default=1.0,
    )
    count: IntProperty(
        name="Candidates", description="Pictures to choose from; each has a seed of its own", min=1, max=16, default=1
    )
    segmenter: StringProperty(
        name="Segmenter", description="What the server makes masks with; empty for the best that it has"
    )
    margins: IntVectorProperty(
        name="Margins",
        description="Pixels that the picture gets at its left, right, top and bottom",
        size=4,
        min=0,
        max=4096,
        default=(128, 128, 0, 0),
    )
    wipe: FloatProperty(
        name="Wipe",
        description="Left of the line the picture is shown as it was, right of it as it would be; a part of its width",
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        default=0.5,
        update=lambda _self, _context: api.redraw_image_overlay(),
    )


class SceneSettings(bpy.types.PropertyGroup):
    """``scene.segaddon``: what the panel shows."""

    prompt: StringProperty(name="Prompt", description="What the picture shows, e.g. 'a harbour at sunset, snow'")
    model: StringProperty(name="Model", description="Id of the model that draws; empty for the procedural preview")
    seed: IntProperty(
        name="Seed", description="Same seed and same scene, same picture", min=0, max=SEEDS - 1, default=1
    )
    random_seed: BoolProperty(name="New Seed", description="Take another seed for every picture", default=True)
    vocabulary: EnumProperty(
        name="Classes",
        description="The list of classes that things are taken for",
        items=[
            ("ade20k", "ADE20K", "150 classes; what most models for segmentation control were trained on"),
            ("coco_panoptic", "COCO Panoptic", "133 classes"),
            ("FILE", "Own File", "A .csv or .json file: name, color, synonyms, isthing"),
        ],
        default="ade20k",
        update=_change_vocabulary,
    )
    vocabulary_file: StringProperty(
        name="File",
        description="CSV or JSON with one class a row: name, color, synonyms, isthing",
        subtype="FILE_PATH",
        update=_change_vocabulary,
    )
    background: StringProperty(
        name="Background",
        description="Class of what lies behind all objects; empty for none",
        default="sky",
        search=generation_properties.class_names,
    )
    maps_with_renders: BoolProperty(
        name="Scene Maps with Renders",
        description="Make the maps of every render (F12, Ctrl F12) when it has ended: same frame, camera and size. "
        "Maps of an animation are written beside its pictures",
        default=False,
        update=lambda _self, _context: api.watch_renders(),
    )
    retouch_prompt: StringProperty(
        name="Replace With", description="What should stand in the object's place, e.g. 'red brick'"
    )
    retouch: PointerProperty(type=RetouchSettings)
    generation: PointerProperty(type=generation_properties.GenerationSettings)
    picture: PointerProperty(
        name="Picture",
        type=bpy.types.Image,
        description="The picture that the buttons work on",
        poll=lambda _self, image: "seg_picture" in image,
    )


def _show(self, shown: bool) -> None:
    if shown:
        vocabulary = api.scene_vocabulary(bpy.context.scene)
        api.show_overlay(api.OverlaySettings(self.kind, self.opacity, self.names, vocabulary))
    else:
        api.hide_overlay()


def _change(self, _context) -> None:
    if api.overlay() is not None:
        _show(self, True)


class OverlayLook(bpy.types.PropertyGroup):
    """``window_manager.segaddon_overlay``: a state of the session, not of the file; it is off when Blender starts."""

    show: BoolProperty(
        name="Overlay",
        description="Show in the 3D Views what everything is taken for",
        get=lambda _self: api.overlay() is not None,
        set=_show,
    )
    kind: EnumProperty(
        name="Show",
        description="What the colors stand for",
        items=[
            ("SEMANTIC", "Classes", "A color for each class, as models see them; stripes where there is none"),
            ("INSTANCE", "Instances", "A color for each single thing"),
        ],
        update=_change,
    )
    opacity: FloatProperty(
        name="Opacity",
        description="How much of the scene the colors cover",
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        default=0.5,
        update=_change,
    )
    names: BoolProperty(name="Names", description="Write the names at the things", default=True, update=_change)


def _redraw_masks(_self, _context) -> None:
    api.redraw_image_overlay()


class MaskPoint(bpy.types.PropertyGroup):
    """A click."""

    x: FloatProperty()
    y: FloatProperty()
    """pixels from the top left corner"""
    positive: BoolProperty()


class MaskCandidate(bpy.types.PropertyGroup):
    """One meaning of the clicks."""

    code: StringProperty()
    """the mask, as core.mask_codes has it"""
    label: StringProperty()
    """what it is of"""
    source: StringProperty()
    """"scene", or the segmenter that made it"""
    score: FloatProperty()
    ids: StringProperty()
    """of the scene's: values in the instance map, "3 7"; then the things themselves can be removed"""


class ImageMask(bpy.types.PropertyGroup):
    """A named mask of a picture. Its numbers change how it is used, not what was clicked."""

    use: BoolProperty(name="Use", description="Whether it counts", default=True, update=_redraw_masks)
    mode: EnumProperty(
        name="Combine",
        description="How it goes together with the masks above it",
        items=[
            ("ADD", "Add", "Also what this one covers", "SELECT_EXTEND", 0),
            ("SUBTRACT", "Subtract", "Without what this one covers", "SELECT_SUBTRACT", 1),
            ("INTERSECT", "Intersect", "Only what this one covers too", "SELECT_INTERSECT", 2),
        ],
        update=_redraw_masks,
    )
    grow: IntProperty(
        name="Grow",
        description="Pixels that it is wider all around; less than 0 makes it narrower",
        subtype="PIXEL",
        min=-512,
        max=512,
        soft_min=-64,
        soft_max=64,
        update=_redraw_masks,
    )
    clean: IntProperty(
        name="Clean",
        description="Holes in it and islands beside it go that are no larger than a square of so many pixels",
        subtype="PIXEL",
        min=0,
        max=4096,
        soft_max=64,
        update=_redraw_masks,
    )
    invert: BoolProperty(name="Invert", description="Take what it does not cover", update=_redraw_masks)
    candidates: CollectionProperty(type=MaskCandidate)
    candidate: IntProperty(min=0, update=_redraw_masks)
    """which of them it is"""
    points: CollectionProperty(type=MaskPoint)
    box: FloatVectorProperty(size=4)
    """(x0, y0, x1, y1) in pixels from the top left corner; all 0 where none was drawn"""
    by_model: BoolProperty()
    """whether its clicks went to a segmenter"""


class ImageStep(bpy.types.PropertyGroup):
    """A picture of a history, or one to choose from. The pointer keeps it in the file."""

    image: PointerProperty(type=bpy.types.Image)
    did: StringProperty()
    """how it was made, in a few words"""
    made: IntProperty()
    """of a result: when, in seconds since the beginning of 2020"""
    matte: StringProperty()
    """of a result: what of it was painted, as core.mask_codes has it"""


class ImageRetouch(bpy.types.PropertyGroup):
    """``image.segaddon``: masks, results and history of a picture."""

    masks: CollectionProperty(type=ImageMask)
    active_mask: IntProperty(name="Mask", description="The mask that clicks go on with", update=_redraw_masks)
    is_open: BoolProperty()
    """whether the active mask is still being clicked together"""
    feather: IntProperty(
        name="Soft Edge",
        description="Pixels beyond the mask over which the result runs out into the picture; these change too",
        subtype="PIXEL",
        min=0,
        max=512,
        soft_max=64,
        update=_redraw_masks,
    )
    results: CollectionProperty(type=ImageStep)
    """what was made of it and is neither accepted nor discarded"""
    result: IntProperty(min=0, update=_redraw_masks)
    origin: PointerProperty(type=bpy.types.Image)
    """the first picture of the history, which holds its steps; None for that picture itself"""
    before: PointerProperty(type=bpy.types.Image)
    """what it was made from"""
    steps: CollectionProperty(type=ImageStep)
    """of an origin: all accepted pictures, itself first"""
    current: PointerProperty(type=bpy.types.Image)
    """of an origin: the step that is shown"""
    patch: PointerProperty(type=bpy.types.Image)
    """of a step of a render: what the compositor puts over renders there"""
    painted_for: PointerProperty(type=bpy.types.Image)
    """of an image on which a mask is being painted: the picture that the mask is of"""
    painted_name: StringProperty()
    """of such an image: the mask's name"""


class ImageOverlayLook(bpy.types.PropertyGroup):
    """``window_manager.segaddon_masks``: a state of the session."""

    show: BoolProperty(
        name="Show Masks",
        description="Draw masks, clicks and results over the picture",
        get=lambda _self: api.image_overlay_is_shown(),
        set=lambda _self, shown: api.show_image_overlay(shown),
    )


CLASSES = (
    *generation_properties.CLASSES,
    RetouchSettings,
    SceneSettings,
    OverlayLook,
    MaskPoint,
    MaskCandidate,
    ImageMask,
    ImageStep,
    ImageRetouch,
    ImageOverlayLook,
)


def register() -> None:
    bpy.types.Scene.segaddon = PointerProperty(type=SceneSettings)
    bpy.types.Scene.seg = property(api.of_scene, doc="The scripting interface of SegAddon, for this scene")
    bpy.types.Image.segaddon = PointerProperty(type=ImageRetouch)
    bpy.types.WindowManager.segaddon_masks = PointerProperty(type=ImageOverlayLook)
    bpy.types.WindowManager.segaddon_overlay = PointerProperty(type=OverlayLook)


def unregister() -> None:
    api.hide_overlay()
    api.show_image_overlay(False)
    del bpy.types.WindowManager.segaddon_masks
    del bpy.types.Image.segaddon
    del bpy.types.WindowManager.segaddon_overlay
    del bpy.types.Scene.seg
    del bpy.types.Scene.segaddon
