"""Texts for people, as Blender knows them. In another language they are shown by scripts/lib/gui_language.py: the bpy
wheels are built without languages."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import pytest
from bl_ui.utils import PresetPanel

import blender_segaddon
from blender_segaddon import operators, panels, preferences, properties
from scripts.translations import collect

_BLENDERS = {"rna_type", "name", "remove_name", "remove_active"}
"""Properties that Blender itself gives to groups and operators of presets."""


@pytest.fixture
def enabled():
    blender_segaddon.register()
    yield
    blender_segaddon.unregister()


def test_every_text_that_blender_knows_of_us_was_found_in_the_code(enabled):
    found = {one.text for one in collect()} | {"SegAddon"}
    for cls in (*properties.CLASSES, *preferences.CLASSES, *operators.CLASSES, *panels.CLASSES):
        assert not set(_shown(cls)) - found, cls.__name__


def _shown(cls: type) -> Iterator[str]:
    """Labels of a class and its own properties; those that have none are called as they are in the code."""
    rna = cls.bl_rna
    unnamed = bpy.types.PropertyGroup | bpy.types.AddonPreferences | bpy.types.UIList | PresetPanel
    if not issubclass(cls, unnamed):  # Blender calls a panel of presets as the last one that was chosen
        yield cls.bl_label
    inherited = set(rna.base.properties.keys()) if rna.base else set()
    for one in rna.properties:
        named = one.name not in ("", one.identifier)
        if named and one.identifier not in inherited | _BLENDERS and not one.is_hidden:
            yield one.name
