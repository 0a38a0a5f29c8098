# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""What a model is asked with besides the words: ``scene.segaddon.generation``, kept in the file."""

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from . import api
from .core import vocabulary


def class_names(_self, context, edit_text: str) -> list[str]:
    """Suggestions while a class name is typed."""
    try:
        known = vocabulary.load(api.scene_vocabulary(context.scene))
    except api.SegAddonError:
        return []  # the panel says what is wrong with the file
    return [one.name for one in known.classes if edit_text.lower() in one.name.lower()]


def _styles(_self, _context, edit_text: str) -> list[str]:
    """Suggestions while a style is typed."""
    return [name for name in api.styles() if edit_text.lower() in name]


def _loras(_self, _context, edit_text: str) -> list[str]:
    return [name for name in api.loras() if edit_text.lower() in name.lower()]


def _begin_guides(self, _context) -> None:
    """The first time with what models usually get: classes all the way, depth weakly and only at first."""
    guides = [self.segmentation, self.depth, self.normal, self.lineart]
    if self.own_guides and not any(one.use or one.is_property_set("weight") for one in guides):
        self.segmentation.use = self.depth.use = True
        self.depth.weight, self.depth.end = 0.5, 0.6


def _begin_sampling(self, _context) -> None:
    """With what the model is best at."""
    model = next((one for one in api.models() if one.id == self.id_data.segaddon.model), None)
    if self.own_sampling and model is not None:
        self.steps, self.guidance = model.steps, model.guidance


class GuideSettings(bpy.types.PropertyGroup):
    """How one of the scene's maps guides a model."""

    use: BoolProperty(name="Use", description="Whether the model sees this map")
    weight: FloatProperty(name="Weight", description="How strongly it guides", min=0.0, max=2.0, default=1.0)
    start: FloatProperty(
        name="Start", description="Share of the steps before it begins", subtype="FACTOR", min=0.0, max=1.0
    )
    end: FloatProperty(
        name="End",
        description="Share of the steps after which it lets go",
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        default=1.0,
    )


class ReferenceSettings(bpy.types.PropertyGroup):
    """A picture of what something should look like."""

    use: BoolProperty(name="Use", description="Whether it counts", default=True)
    image: PointerProperty(name="Image", type=bpy.types.Image, description="A picture of the look, of any size")
    weight: FloatProperty(name="Weight", description="How much it counts", min=0.0, max=2.0, default=1.0)
    object: PointerProperty(
        name="Object", type=bpy.types.Object, description="What it is for; empty for the whole picture"
    )


class LoraSettings(bpy.types.PropertyGroup):
    """A small file that changes a model's look."""

    use: BoolProperty(name="Use", description="Whether it counts", default=True)
    name: StringProperty(name="LoRA", description="Name of its file, without .safetensors", search=_loras)
    weight: FloatProperty(
        name="Weight", description="How much it changes the look; below 0 the other way", min=-2.0, max=2.0, default=1.0
    )


class ClassWords(bpy.types.PropertyGroup):
    """What things of a class look like, where they have no words of their own."""

    use: BoolProperty(name="Use", description="Whether it counts", default=True)
    class_name: StringProperty(
        name="Class", description="A class of the scene's list, e.g. 'house'", search=class_names
    )
    words: StringProperty(
        name="Words", description="What things of it look like, e.g. 'timber-framed, snow on the roof'"
    )


class CandidateSettings(bpy.types.PropertyGroup):
    """One of the pictures to choose from."""

    image: PointerProperty(type=bpy.types.Image)
    agreement: FloatProperty()
    """how well its edges agree with its maps: 0.5 by chance, 1 everywhere; 0 where nobody measured it"""


class GenerationSettings(bpy.types.PropertyGroup):
    """``scene.segaddon.generation``."""

    count: IntProperty(
        name="Candidates", description="Pictures to choose from; each has a seed of its own", min=1, max=16, default=1
    )
    best_of: IntProperty(
        name="Best Of",
        description="Pictures that are made; the candidates are those whose edges agree best with the scene",
        min=1,
        max=16,
        default=1,
    )
    candidates: CollectionProperty(type=CandidateSettings)
    style: StringProperty(name="Style", description="A look that is added to the prompt", search=_styles)
    words: StringProperty(
        name="Words", description="Words that are added to every prompt, e.g. 'oil painting, soft light'"
    )
    class_words: CollectionProperty(type=ClassWords)
    negative: StringProperty(name="Avoid", description="What the picture should not show")
    quality: EnumProperty(
        name="Quality",
        description="How much time a picture may take",
        items=[
            ("DRAFT", "Draft", "Drawn at the size that the model knows, and enlarged"),
            ("FINAL", "Final", "Drawn once more at the picture's own size"),
        ],
        default="FINAL",
    )
    own_sampling: BoolProperty(
        name="Own Sampling",
        description="Other steps and guidance than the model is best at",
        update=_begin_sampling,
    )
    steps: IntProperty(name="Steps", description="Sampling steps", min=1, max=150, default=25)
    guidance: FloatProperty(
        name="Guidance", description="How closely the picture follows the words", min=0.0, max=30.0, default=7.0
    )
    region_strength: FloatProperty(
        name="Descriptions",
        description="How much of a described object its own words have; the prompt has the rest",
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        default=0.7,
    )
    own_guides: BoolProperty(
        name="Own Guides",
        description="Choose what guides the model, in place of its own choice",
        update=_begin_guides,
    )
    segmentation: PointerProperty(name="Classes", type=GuideSettings, description="How this map guides the model")
    depth: PointerProperty(name="Depth", type=GuideSettings, description="How this map guides the model")
    normal: PointerProperty(name="Normals", type=GuideSettings, description="How this map guides the model")
    lineart: PointerProperty(name="Lines", type=GuideSettings, description="How this map guides the model")
    start: EnumProperty(
        name="Start From",
        description="What the picture is made out of",
        items=[
            ("NOTHING", "Noise", "The scene's maps alone"),
            ("RENDER", "Render", "The last render (F12), of the size of the picture"),
            ("PICTURE", "Picture", "The picture under Results"),
        ],
    )
    strength: FloatProperty(
        name="Strength",
        description="How far the result may leave what it starts from",
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        default=0.6,
    )
    amount: FloatProperty(
        name="Amount",
        description="How far variations may leave the picture",
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        default=0.5,
    )
    references: CollectionProperty(type=ReferenceSettings)
    loras: CollectionProperty(type=LoraSettings)


CLASSES = (GuideSettings, ReferenceSettings, LoraSettings, ClassWords, CandidateSettings, GenerationSettings)
