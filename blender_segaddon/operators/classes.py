# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""What things are, in a class or in words; and what a click does about findings of the last capture."""

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from .. import api
from ..core import vocabulary
from .reporting import reported

last_reports: dict[str, api.Report] = {}
"""The quality of the last capture, by the name of its scene; the panel shows it."""

_items: dict[str, list[tuple[str, str, str]]] = {}
"""Choices by vocabulary: Blender keeps no strings of its own, so they must live on."""
_TARGETS = [
    ("SELECTED", "These Objects", "The objects themselves"),
    ("COPIES", "And Their Copies", "Also numbered copies (House.001) and linked duplicates"),
    ("COLLECTION", "Their Collections", "Everything in the collections of the objects"),
    ("MATERIAL", "Their Materials", "Everything with a material of the objects"),
]


def forget_reports() -> None:
    """Another file, or no add-on any more."""
    last_reports.clear()


def _choices(_self, context) -> list[tuple[str, str, str]]:
    name = api.scene_vocabulary(context.scene) if context else "ade20k"
    if name not in _items:
        _items[name] = [
            ("BY_NAME", "By Name", "The object's name decides"),
            ("none", "No Class", "It is none of the classes"),
            *((one.name, one.name[:1].upper() + one.name[1:], ", ".join(one.synonyms)) for one in _classes(name)),
        ]
    return _items[name]


def _classes(name: str) -> tuple[vocabulary.VocabularyClass, ...]:
    try:
        return vocabulary.load(name).classes
    except api.SegAddonError:
        return ()  # a file that is gone; the capture says so


class _Selected:
    """For the selected objects."""

    @classmethod
    def poll(cls, context):
        if not context.selected_objects:
            cls.poll_message_set("Select one or more objects first")
            return False
        return True

    def objects(self, context):
        return list(context.selected_objects)


class _OfGroup:
    """For all objects of one stem that nobody knows what they are."""

    stem: StringProperty(name="Name", description="What the names of the objects begin with", options={"HIDDEN"})

    def objects(self, context):
        found = next((one for one in api.unclassed(context.scene) if one.stem == self.stem), None)
        return [context.scene.objects[name] for name in found.objects] if found else []


class SetsClass:
    """Mixin: asks for a class, and gives it to ``objects``."""

    bl_options = {"REGISTER", "UNDO"}

    choice: EnumProperty(name="Class", items=_choices, options={"SKIP_SAVE"})
    class_name: StringProperty(
        name="Class Name",
        description="For scripts: a class or synonym of the scene's vocabulary, instead of the choice",
        options={"HIDDEN", "SKIP_SAVE"},
    )
    to: EnumProperty(name="Apply To", items=_TARGETS, options={"SKIP_SAVE"})

    def invoke(self, context, _event):
        context.window_manager.invoke_search_popup(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        with reported(self):
            wanted, objects = self.class_name or self.choice, self.objects(context)
            api.set_class(objects, None if wanted == "BY_NAME" else wanted, to=self.to)
            _settle(context, [one.name for one in objects])
            return {"FINISHED"}
        return {"CANCELLED"}


class _Describes:
    bl_options = {"REGISTER", "UNDO"}

    text: StringProperty(
        name="Words",
        description="What it is and looks like, e.g. 'spaceship, rusty'; empty takes the words away",
        options={"SKIP_SAVE"},
    )
    to: EnumProperty(name="Apply To", items=_TARGETS, options={"SKIP_SAVE"})

    def invoke(self, context, _event):
        objects = self.objects(context)
        self.text = api.describe(objects[0]) if objects else ""
        return context.window_manager.invoke_props_dialog(self, width=360)

    def draw(self, _context):
        layout = self.layout
        layout.activate_init = True  # type at once, Enter ends
        layout.prop(self, "text", text="")
        layout.prop(self, "to")

    def execute(self, context):
        with reported(self):
            objects = self.objects(context)
            api.set_text(objects, self.text, to=self.to)
            _settle(context, [one.name for one in objects])
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_set_class(_Selected, SetsClass, bpy.types.Operator):
    """Say what the selected objects are"""

    bl_idname = "segaddon.set_class"
    bl_label = "Set Class"
    bl_property = "choice"  # Blender does not look for it in a base


class SEGADDON_OT_set_group_class(_OfGroup, SetsClass, bpy.types.Operator):
    """Say what all objects of this name are"""

    bl_idname = "segaddon.set_group_class"
    bl_label = "Set Class"
    bl_options = {"INTERNAL"}
    bl_property = "choice"


class SEGADDON_OT_describe(_Selected, _Describes, bpy.types.Operator):
    """Describe the selected objects in words of your own: they go to the prompt, and to the nearest class"""

    bl_idname = "segaddon.describe"
    bl_label = "Describe for Picture"


class SEGADDON_OT_describe_group(_OfGroup, _Describes, bpy.types.Operator):
    """Describe all objects of this name in words of your own"""

    bl_idname = "segaddon.describe_group"
    bl_label = "Describe"
    bl_options = {"INTERNAL"}


class SEGADDON_OT_select_group(_OfGroup, bpy.types.Operator):
    """Select all objects of this name"""

    bl_idname = "segaddon.select_group"
    bl_label = "Select"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context):
        with reported(self):
            select(context, [one.name for one in self.objects(context)])
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_remedy(bpy.types.Operator):
    """Do something about this"""

    bl_idname = "segaddon.remedy"
    bl_label = "Mend"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    index: IntProperty(name="Finding", min=0, options={"HIDDEN"})

    @classmethod
    def poll(cls, context):
        return context.scene.name in last_reports

    @classmethod
    def description(cls, context, properties):
        return REMEDIES.get(_finding(context, properties.index).remedy, ("", ""))[1] or cls.__doc__

    def invoke(self, context, _event):
        finding = _finding(context, self.index)
        if finding.remedy == "set_class":
            select(context, finding.objects)
            return bpy.ops.segaddon.set_class("INVOKE_DEFAULT")
        return self.execute(context)

    def execute(self, context):
        with reported(self):
            finding, scene = _finding(context, self.index), context.scene
            if finding.remedy == "move_near_clip" and scene.camera is not None:
                scene.camera.data.clip_start = finding.value
                _drop(scene, finding)
            elif finding.remedy == "frame_scene":
                api.add_camera(scene)
                _drop(scene, finding)
            else:
                select(context, finding.objects)
            return {"FINISHED"}
        return {"CANCELLED"}


REMEDIES = {
    "set_class": ("SHAPEKEY_DATA", "Select the objects and say what they are"),
    "select": ("RESTRICT_SELECT_OFF", "Select the objects"),
    "move_near_clip": ("VIEW_CAMERA", "Let the camera's view begin behind the object"),
    "frame_scene": ("CAMERA_DATA", "Add a camera that sees the whole scene"),
}
"""Remedy → (icon, what it does)."""


def _finding(context: bpy.types.Context, index: int) -> api.Finding:
    known = last_reports.get(context.scene.name)
    findings = known.findings if known else ()
    return findings[index] if index < len(findings) else api.Finding("info", "", "")


def select(context: bpy.types.Context, names) -> None:
    """Select these objects alone; the first becomes active. Those out of reach are left out."""
    wanted = [one for name in names if (one := context.view_layer.objects.get(name)) is not None]
    for one in context.selected_objects:
        one.select_set(False)
    for one in wanted:
        one.select_set(True)
    if wanted:
        context.view_layer.objects.active = wanted[0]


def _settle(context: bpy.types.Context, names: list[str]) -> None:
    """What was found of these objects' classes is no longer so, though nothing was captured since."""
    known = last_reports.get(context.scene.name)
    for finding in known.findings if known else ():
        if finding.remedy == "set_class" and set(finding.objects) <= set(names):
            _drop(context.scene, finding)
    for area in context.screen.areas if context.screen else ():
        area.tag_redraw()


def _drop(scene: bpy.types.Scene, mended: api.Finding) -> None:
    left = tuple(one for one in last_reports[scene.name].findings if one != mended)
    last_reports[scene.name] = api.Report(left)


CLASSES = (
    SEGADDON_OT_set_class,
    SEGADDON_OT_set_group_class,
    SEGADDON_OT_describe,
    SEGADDON_OT_describe_group,
    SEGADDON_OT_select_group,
    SEGADDON_OT_remedy,
)
