"""Which model draws: a menu of those that the server knows, and what to do about one that is not there."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_

from .. import api
from ..operators.models import PREVIEW, title_of

_WHY = {"missing": "not on the server", "refused": "license not allowed"}
"""States of models that cannot draw."""


class SEGADDON_MT_model(bpy.types.Menu):
    bl_label = "Model"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator("segaddon.set_model", text=PREVIEW, icon="IMAGE_PLANE").name = ""
        layout.separator()
        for model in sorted(api.models(), key=lambda one: one.state != "here"):
            row = layout.row()
            row.enabled = model.state == "here"
            row.operator("segaddon.set_model", text=_entry(model), translate=False).name = model.id


def _entry(model: api.ModelInfo) -> str:
    if model.state == "here":
        return model.title
    to_get = f", {model.to_get:.1f} GB" if model.state == "missing" and model.to_get else ""
    return f"{model.title}: {iface_(_WHY[model.state])}{to_get}"


def _capital(text: str) -> str:
    """With a capital at its beginning alone: German has more of them."""
    return text[:1].upper() + text[1:]


def draw_choice(row: bpy.types.UILayout, column: bpy.types.UILayout, chosen: str) -> None:
    """The menu in ``row``; below, in ``column``, what is worth knowing of the chosen model ("": the preview)."""
    row.menu("SEGADDON_MT_model", text=title_of(chosen))
    found = next((one for one in api.models() if one.id == chosen), None)
    if found is None:
        return
    below = column.column(align=True)
    if found.state != "here":
        below.alert = True
        below.label(text=_capital(iface_(_WHY[found.state])), translate=False, icon="ERROR")
        if found.state == "missing":  # the other hints say the same again, at length
            below.label(text=found.hint.rpartition(" -m bridge_server ")[2], icon="BLANK1")
        return
    below.active = False
    told = iface_("{} license").format(found.licence_kind)
    if found.memory:
        told = iface_("{:g} GB of GPU memory").format(found.memory) + ", " + told
    below.label(text=told, translate=False)


CLASSES = (SEGADDON_MT_model,)
