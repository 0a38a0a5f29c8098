"""The way to the first picture, and the server's installation: in the sidebar and in the preferences."""

from __future__ import annotations

import textwrap

import bpy
from bpy.app.translations import pgettext_iface as iface_

from .. import api
from ..operators import server, setup

_BYTES_A_SECOND = 12e6
"""A line of 100 Mbit/s: what times are told for."""
_SMALL, _LARGE = "sd15-seg", "sdxl-union"
_LARGE_FROM = 11.0
"""GB of GPU memory from which the larger model is the better beginning."""
_WIDTH = 6.5
"""Pixels of a letter, about."""


class SEGADDON_PT_guide(bpy.types.Panel):
    """Shown until a model is there, or until somebody closes it."""

    bl_label = "First Steps"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SegAddon"
    bl_order = 0

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        chosen = setup.preferences()
        return chosen is not None and chosen.show_guide and not _has_model()

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        self.layout.prop(setup.preferences(), "show_guide", text="", icon="X", emboss=False)

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        made = context.scene.segaddon.picture is not None
        _step(column, 1, "A preview, painted at once", made)
        if made:
            column.operator("segaddon.show_in_view", icon="VIEW_CAMERA")
        else:
            column.operator("segaddon.generate", text="Paint Preview (a few seconds)", icon="RENDER_STILL")
        _step(column, 2, "A server, which runs models", api.has_server())
        if not api.has_server():
            draw_install(column)
            draw_task(column, context.region.width)
        _step(column, 3, "A model, which draws", False)
        if api.has_server():
            _model(column, context.region.width)
            draw_task(column, context.region.width)


def _step(column: bpy.types.UILayout, number: int, text: str, done: bool) -> None:
    row = column.row()
    row.active = not done
    row.label(text=f"{number}. {iface_(text)}", translate=False, icon="CHECKBOX_HLT" if done else "CHECKBOX_DEHLT")


def _has_model() -> bool:
    return any(one.state == "here" for one in api.models())


def draw_install(column: bpy.types.UILayout, text: str = "Install Server") -> None:
    """The button with size and time, and why it cannot be pressed."""
    if setup.state.task is not None:
        return
    does = f"{iface_(text)} ({_cost(api.download_size(setup.sized()))})"
    column.operator("segaddon.install_server", text=does, translate=False, icon="IMPORT")
    if not bpy.app.online_access:
        row = column.row()
        row.use_property_split = False
        row.prop(bpy.context.preferences.system, "use_online_access", text="Allow Online Access")


def _model(column: bpy.types.UILayout, width: int) -> None:
    if setup.state.task is not None:
        return
    chosen = _recommended()
    if chosen is None and isinstance(server.seen.state, api.ServerState):
        lines(column, "This server was installed without models: switch on For Models", width, "INFO")
        column.operator("preferences.addon_show", text="Open Preferences", icon="PREFERENCES").module = setup.ADDON
    elif chosen is None:
        column.operator("segaddon.check_server", text="Start Server", icon="PLAY")
    else:
        _get(column, chosen)


def _get(column: bpy.types.UILayout, chosen: api.ModelInfo) -> None:
    text = iface_("Get {}", "Operator").format(chosen.title)
    button = column.operator("segaddon.pull_model", text=text, translate=False, icon="IMPORT")
    button.name = chosen.id
    note = column.row()
    note.active = False
    note.label(text=_cost(1e9 * chosen.to_get), translate=False, icon="BLANK1")


def _recommended() -> api.ModelInfo | None:
    """The model to begin with on the server's machine; None where nothing is known of its models yet."""
    known = {one.id: one for one in api.models() if one.state == "missing"}
    state, found = server.seen.state, setup.machine()
    memory = state.total_bytes / 1e9 if isinstance(state, api.ServerState) and state.device != "cpu" else 0.0
    memory = memory or (found.memory if found else 0.0)
    first = _LARGE if memory >= _LARGE_FROM else _SMALL
    return known.get(first) or next(iter(known.values()), None)


def _cost(size: float) -> str:
    """What a download of so many bytes costs."""
    minutes = size / _BYTES_A_SECOND / 60
    time = f"{minutes:.0f} min" if minutes >= 1.5 else "1 min"
    amount = f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
    return iface_("{}, about {}").format(amount, time)


def draw_task(column: bpy.types.UILayout, width: int) -> None:
    """What is being installed or downloaded, or how the last one ended."""
    task = setup.state.task
    if task is not None:
        row = column.row(align=True)
        left = task.seconds_left
        row.progress(
            factor=task.progress,
            text="" if left is None else iface_("{} left").format(_duration(left)),
            translate=False,
        )
        row.operator("segaddon.cancel_setup", text="", icon="X")
        lines(column, task.message, width, "NONE")
    elif setup.state.outcome:
        lines(column, setup.state.outcome, width, "ERROR" if setup.state.failed else "CHECKMARK")


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def lines(column: bpy.types.UILayout, text: str, width: int, icon: str) -> None:
    """A text on as many lines as ``width`` pixels need."""
    letters = max(20, int((width / bpy.context.preferences.system.ui_scale - 60) / _WIDTH))
    rows = column.column(align=True)
    rows.scale_y = 0.85
    for number, line in enumerate(textwrap.wrap(iface_(text), letters) or [""]):
        rows.label(text=line, translate=False, icon="BLANK1" if number and icon != "NONE" else icon)


_STATES = {
    "none": ("Not installed: previews are painted in Blender itself", "RADIOBUT_OFF"),
    "ready": ("Installed", "CHECKMARK"),
    "outdated": ("Of another version than the add-on", "FILE_REFRESH"),
    "broken": ("Not whole: it was cut off, or what it was made with is gone", "ERROR"),
}


def draw_installation(layout: bpy.types.UILayout, chosen: bpy.types.AddonPreferences, width: int) -> None:
    """The server on this machine, for the preferences."""
    there = setup.folder()
    state = api.installation_state(there)
    text, icon = _STATES[state]
    known = api.installation(there).read()
    if known is not None and state == "ready":
        models = iface_("models on {}").format(known.wanted.accelerator)
        models = models if known.wanted.models else iface_("without models")
        text = iface_("Version {}, {}").format(known.version, models)
    layout.label(text=iface_(text), translate=False, icon=icon)
    if setup.state.task is None:
        _choices(layout, chosen)
    does = {"none": "Install", "outdated": "Update", "broken": "Repair"}.get(state)
    if does is None and _differs(known):
        does = "Change"
    if does is not None:
        draw_install(layout.column(), does)
    if known is not None:
        buttons = layout.row(align=True)
        if setup.state.task is None and does is None:
            buttons.operator("segaddon.install_server", text="Repair", icon="TOOL_SETTINGS").anew = True
        buttons.operator("segaddon.remove_server", text="Remove", icon="TRASH")
        buttons.operator("segaddon.show_log", text="Log", icon="TEXT")
    draw_task(layout, width)


def _differs(known) -> bool:
    asked = setup.wanted()
    accelerator = asked.accelerator or known.wanted.accelerator
    return (asked.models, accelerator) != (known.wanted.models, known.wanted.accelerator)


def _choices(layout: bpy.types.UILayout, chosen: bpy.types.AddonPreferences) -> None:
    column = layout.column()
    column.use_property_split = True
    column.prop(chosen, "with_models")
    torch = column.column()
    torch.enabled = chosen.with_models
    torch.prop(chosen, "accelerator")
    found = setup.machine()
    note = torch.split(factor=0.4)  # as wide as the labels
    note.label()
    note.active = False
    told = iface_("Found: {}").format(found.device) if found else iface_("Looking for a GPU …")
    note.label(text=told, translate=False)
    torch.prop(chosen, "torch_source")
    if chosen.torch_source == "OTHER":
        torch.prop(chosen, "torch_index")
    column.prop(chosen, "install_folder")


CLASSES = (SEGADDON_PT_guide,)
