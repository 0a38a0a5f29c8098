"""Examples of scripts in the Text Editor, under Templates."""

from __future__ import annotations

from pathlib import Path

import bpy

_FOLDER = Path(__file__).resolve().parents[1] / "templates"


class SEGADDON_MT_templates(bpy.types.Menu):
    bl_label = "SegAddon"

    def draw(self, _context: bpy.types.Context) -> None:
        self.path_menu([str(_FOLDER)], "text.open", props_default={"internal": True}, filter_ext=_is_script)


def _is_script(suffix: str) -> bool:
    return suffix == ".py"


def _menu(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    self.layout.menu("SEGADDON_MT_templates")


def register() -> None:
    bpy.types.TEXT_MT_templates.append(_menu)


def unregister() -> None:
    bpy.types.TEXT_MT_templates.remove(_menu)


CLASSES = (SEGADDON_MT_templates,)
