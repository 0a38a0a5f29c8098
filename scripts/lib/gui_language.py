"""A program for a graphical Blender: the panel in German; looks, presets and words; and nothing of it left afterwards.

    blender --factory-startup --enable-event-simulate --python gui_language.py -- ZIP BLEND OUT

Writes OUT/language_NN_….png and, last, OUT/language_failures.txt.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
from bpy.app.translations import pgettext_iface

sys.path.insert(0, str(Path(__file__).parents[2]))  # Blender runs this file alone
from scripts.lib.gui_person import MODULE, archive, area, blend, check, do, region, run, settings, shot, sidebar, window

LANGUAGE = "de_DE"
GERMAN = (("*", "Scene Maps", "Szenenkarten"), ("Operator", "Capture Maps", "Karten erfassen"))


def install() -> Iterator[float]:
    with bpy.context.temp_override(window=window()):
        bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    bpy.ops.wm.open_mainfile(filepath=blend)
    yield 0.5
    yield from sidebar()


def looks() -> Iterator[float]:
    """Two looks in the panel, one of them with words; presets in the header."""
    bpy.context.scene.render.resolution_percentage = 25
    do(bpy.ops.segaddon.generate)
    for _ in range(300):
        if settings().picture is not None:
            break
        yield 0.1
    wanted = settings().generation
    wanted.words = "oil painting, soft light"
    one = wanted.class_words.add()
    one.class_name, one.words = "house", "timber-framed, snow on the roof"
    bpy.ops.segaddon.save_look(name="Winter")
    wanted.words = "ink"
    bpy.ops.segaddon.save_look(name="Ink")
    names = [one.name for one in bpy.context.scene.seg.looks()]
    check(names == ["Ink", "Winter"], f"looks: {names}")
    check(bpy.ops.segaddon.add_preset(name="Mine") == {"FINISHED"}, "no preset was written")
    yield 0.5


def german() -> Iterator[float]:
    view = bpy.context.preferences.view
    if LANGUAGE not in bpy.app.translations.locales:
        check(False, "this Blender was made without languages: remove its folder under build/")
        return
    view.language = LANGUAGE
    view.use_translate_interface = view.use_translate_tooltips = True
    yield 0.5
    for context, english, told in GERMAN:
        check(pgettext_iface(english, context) == told, f"{english} is {pgettext_iface(english, context)}")
    yield 0.5
    shot("german", "language")


def gone() -> Iterator[float]:
    """Without the add-on its words are Blender's own again."""
    bpy.ops.preferences.addon_disable(module=MODULE)
    yield 0.5
    for context, english, _ in GERMAN:
        check(pgettext_iface(english, context) == english, f"{english} is still translated")


def asset_browser() -> Iterator[float]:
    """The looks in Blender's Asset Browser."""
    timeline = next((one for one in window().screen.areas if one.type == "DOPESHEET_EDITOR"), area())
    timeline.ui_type = "ASSETS"
    yield 1.0
    timeline.spaces.active.params.asset_library_reference = "LOCAL"
    yield 2.0
    region("UI").tag_redraw()
    yield 1.0
    shot("looks", "language")


def story() -> Iterator[float]:
    yield 0.5
    yield from install()
    yield from looks()
    yield from asset_browser()
    yield from german()
    yield from gone()


run(story(), "language")
