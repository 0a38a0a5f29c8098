"""Texts for people: found in the code, and translated."""

from __future__ import annotations

import pytest

from scripts import translations
from scripts.translations import ANY, OPERATOR, Message

PANEL = '''
"""A module."""
_STATES = {"none": "Nothing here", "ok": ("All well", "CHECKMARK")}


class SEGADDON_PT_one(bpy.types.Panel):
    """Not shown."""

    bl_label = "One Panel"
    bl_space_type = "VIEW_3D"

    def draw(self, context):
        layout.label(text="No picture yet", icon="INFO")
        layout.operator("segaddon.go", text="Go" if here else "Go There", icon="X")
        layout.label(text=iface_("{} more").format(3), translate=False)
        layout.label(text=f"{count} pieces")
'''

OPERATORS = '''
KINDS = [("A", "First", "The first kind"), ("B", "Second", "")]


class SEGADDON_OT_go(running.Modal, bpy.types.Operator):
    """Go
    there"""

    bl_idname = "segaddon.go"
    bl_label = "Go"

    kind: EnumProperty(name="Kind", description="Which one", items=KINDS)
    index: IntProperty(name="Index", options={"HIDDEN"})
'''


def test_what_a_panel_draws_is_found():
    found = {(one.context, one.text) for one in translations.of_source(PANEL, is_panel=True)}
    assert found == {
        *((ANY, text) for text in ("One Panel", "No picture yet", "Nothing here", "All well", "{} more")),
        (OPERATOR, "Go"),
        (OPERATOR, "Go There"),
    }


def test_labels_and_tooltips_of_operators_are_found():
    found = translations.of_source(OPERATORS)
    assert {one.key for one in found if one.is_label} == {
        (OPERATOR, "Go"),
        *((ANY, text) for text in ("Kind", "First", "Second")),
    }
    assert {one.text for one in found if not one.is_label} == {"Go there", "Which one", "The first kind"}


def test_what_is_wrong_with_a_translation_is_told():
    messages = [Message(ANY, "Class", True), Message(ANY, "{} more", True), Message(ANY, "A tooltip", False)]
    known = {(ANY, "{} more"): "weitere", (ANY, "Gone"): "Weg"}
    assert translations.problems(known, messages) == [
        "missing: * 'Class'",
        "not used any more: * 'Gone'",
        "other places than '{} more': 'weitere'",
    ]


@pytest.mark.parametrize("language", translations.catalogues())
def test_translations_are_complete(language: str):
    lines = translations.problems(translations.catalogues()[language], translations.collect())
    assert not lines, "\n".join(["blender_segaddon/translations: add or remove", *lines])
