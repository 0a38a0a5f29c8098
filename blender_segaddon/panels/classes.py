"""What things are taken for and why; what nobody knows; and what the last capture found wrong."""

from __future__ import annotations

import textwrap
import time

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_

from .. import api
from ..operators import classes

_LABELS = 0.3
"""Width of the labels, as a part of the row."""
_MOST_GROUPS = 8
_MOST_FINDINGS = 6
_ICONS = {"error": "CANCEL", "warning": "ERROR", "info": "INFO"}
_SOURCES = {
    "none": "its names say nothing",
    "geometry": "by its shape",
    "text": "by your words",
    "object property": "as you said",
    "collection property": "as you said of its collection",
    "material property": "as you said of its material",
    "instancer property": "as you said of its instancer",
    "object name": "by its name",
    "instancer name": "by its instancer's name",
    "data name": "by its data's name",
    "parent name": "by its parent's name",
    "collection name": "by its collection's name",
    "material name": "by its material's name",
}
"""``ClassMatch.source`` for people."""
_SURE = ((0.85, n_("sure")), (0.6, n_("likely")), (0.0, n_("a guess")))


class _Unknown:
    """The groups that nobody knows, looked for again when that is cheap: drawing must not slow down in large scenes."""

    _SHARE = 20
    """At most one part in these of the time goes into looking."""
    _LEAST = 0.5
    """seconds between two looks"""

    def __init__(self) -> None:
        self._of: tuple[str, str] = ("", "")
        self._groups: list[api.Group] = []
        self._next = 0.0

    def groups(self, scene: bpy.types.Scene, vocabulary: str) -> list[api.Group]:
        now = time.monotonic()
        if now >= self._next or self._of != (scene.name, vocabulary):
            self._groups, self._of = api.unclassed(scene, vocabulary=vocabulary), (scene.name, vocabulary)
            took = time.monotonic() - now
            self._next = now + max(self._LEAST, took * self._SHARE)
        return self._groups


_unknown = _Unknown()


class _Part:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SegAddon"
    bl_parent_id = "SEGADDON_PT_maps"


class SEGADDON_PT_quality(_Part, bpy.types.Panel):
    bl_label = "Quality"
    bl_order = 1

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.name in classes.last_reports

    def draw(self, context: bpy.types.Context) -> None:
        findings = classes.last_reports[context.scene.name].findings
        column = self.layout.column()
        if not findings:
            column.label(text="Ready for a picture", icon="CHECKMARK")
        for index, finding in enumerate(findings[:_MOST_FINDINGS]):
            _finding(column, context, index, finding)
        if len(findings) > _MOST_FINDINGS:
            column.label(text=iface_("And {} more").format(len(findings) - _MOST_FINDINGS), translate=False)


class SEGADDON_PT_classes(_Part, bpy.types.Panel):
    bl_label = "Classes"
    bl_order = 2
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        settings, column = context.scene.segaddon, self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(settings, "vocabulary", text="List")
        if settings.vocabulary == "FILE":
            column.prop(settings, "vocabulary_file")
        try:
            _active(column, context.active_object)
            _groups(column, _unknown.groups(context.scene, api.scene_vocabulary(context.scene)))
        except api.SegAddonError as error:  # a vocabulary file that cannot be read
            _wrapped(column, context, str(error), "ERROR")


def _active(column: bpy.types.UILayout, active: bpy.types.Object | None) -> None:
    if active is None:
        column.label(text="No active object")
        return
    match, words = api.class_of(active), api.describe(active)
    column.separator()
    column.label(text=active.name, translate=False, icon="OBJECT_DATA")
    why = _row(column, (match.class_name or "No class").capitalize())
    why.active = False
    why.label(text=_reason(match), translate=False)
    _row(column, "Words").operator("segaddon.describe", text=words or "Describe …", translate=not words)


def _reason(match: api.ClassMatch) -> str:
    said = iface_(_SOURCES.get(match.source, match.source))
    if match.class_name is None:
        known = match.source != "none" and not match.source.startswith("unknown")
        return iface_("none fits, {}").format(said) if known else said
    if match.score == 1.0 and match.source.endswith("property"):
        return said
    return f"{said}, {iface_(next(word for least, word in _SURE if match.score >= least))}"


def _groups(column: bpy.types.UILayout, groups: list[api.Group]) -> None:
    if not groups:
        return
    column.separator()
    count = sum(len(one.objects) for one in groups)
    column.label(text=iface_("Not Known ({})").format(count), translate=False, icon="QUESTION")
    rows = column.column(align=True)
    for one in groups[:_MOST_GROUPS]:
        row = rows.row(align=True)
        count = f" ×{len(one.objects)}" if len(one.objects) > 1 else ""
        row.operator("segaddon.select_group", text=one.stem + count, translate=False, emboss=False).stem = one.stem
        row.operator("segaddon.set_group_class", text="Class").stem = one.stem
        row.operator("segaddon.describe_group", text="", icon="GREASEPENCIL").stem = one.stem
    if len(groups) > _MOST_GROUPS:
        column.label(text=iface_("And {} more names").format(len(groups) - _MOST_GROUPS), translate=False)


def _finding(column: bpy.types.UILayout, context: bpy.types.Context, index: int, finding: api.Finding) -> None:
    row = column.row()
    _wrapped(row, context, finding.message, _ICONS[finding.severity])
    if finding.remedy in classes.REMEDIES:
        row.operator("segaddon.remedy", text="", icon=classes.REMEDIES[finding.remedy][0]).index = index


def _wrapped(column: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str) -> None:
    """A text on as many lines as the sidebar needs."""
    scale = context.preferences.system.ui_scale
    letters = max(16, int((context.region.width / scale - 100) / 6.5))
    lines = column.column(align=True)
    lines.scale_y = 0.85
    for number, line in enumerate(textwrap.wrap(iface_(text), letters) or [""]):
        lines.label(text=line, translate=False, icon="BLANK1" if number else icon)


def _row(column: bpy.types.UILayout, label: str) -> bpy.types.UILayout:
    split = column.split(factor=_LABELS)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=label)
    return split.row()


def _menu(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator("segaddon.set_class", text="Set Picture Class …", icon="SHAPEKEY_DATA")
    self.layout.operator("segaddon.describe", text="Describe for Picture …", icon="GREASEPENCIL")


_MENUS = ("VIEW3D_MT_object_context_menu", "OUTLINER_MT_object")


def register() -> None:
    for name in _MENUS:
        getattr(bpy.types, name).append(_menu)


def unregister() -> None:
    for name in _MENUS:
        getattr(bpy.types, name).remove(_menu)


CLASSES = (SEGADDON_PT_quality, SEGADDON_PT_classes)
