# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""The server installed, mended and removed, and its models downloaded, while Blender goes on."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from .. import api
from ..protocol.errors import Cancelled
from . import running
from .reporting import reported

_TICK = 0.25
"""seconds between two looks at what runs"""
_STOP_SECONDS = 4.0
"""How long Blender waits for a download to end when the add-on goes away under it."""
ADDON = (__package__ or "").rpartition(".")[0]
"""The add-on's module, as Blender's preferences know it."""
ONLINE = "Switch on Allow Online Access first: Preferences, System, Network. It may go off again afterwards"


@dataclass
class _State:
    """Of this session."""

    task: api.Task | None = None
    """what runs; panels show it"""
    then: Callable[[], None] = lambda: None
    """called in Blender's thread when it has succeeded"""
    outcome: str = ""
    """one line on how the last one ended, "" for none"""
    failed: bool = False
    machine: api.Machine | None = None
    """what was found in this machine, None while nobody has looked"""
    looking: threading.Thread | None = None


state = _State()


def preferences() -> bpy.types.AddonPreferences | None:
    """The add-on's preferences; None where it was registered by a script, without Blender's list of add-ons."""
    addon = bpy.context.preferences.addons.get(ADDON)
    return addon.preferences if addon is not None else None


def folder() -> str:
    """Where the server is installed; "" for the usual place."""
    chosen = preferences()
    return bpy.path.abspath(chosen.install_folder) if chosen is not None and chosen.install_folder else ""


def wanted() -> api.Wanted:
    """What the preferences ask for."""
    chosen = preferences()
    if chosen is None:
        return api.Wanted()
    accelerator = None if chosen.accelerator == "AUTO" else chosen.accelerator.lower()
    index = {"MAKERS": None, "PIP": "", "OTHER": chosen.torch_index.strip()}[chosen.torch_source]
    return api.Wanted(chosen.with_models, accelerator, index)


def sized() -> api.Wanted:
    """As ``wanted``, with the accelerator that was found in place of none: for sizes."""
    asked = wanted()
    found = machine()
    return api.Wanted(asked.models, asked.accelerator or (found.accelerator if found else None), asked.index)


def machine() -> api.Machine | None:
    """What models can run on here; None until the first look, which another thread takes, has ended."""
    if state.machine is None and state.looking is None:
        state.looking = threading.Thread(target=_look, name="segaddon look", daemon=True)
        state.looking.start()
    return state.machine


def _look() -> None:
    state.machine = api.detect()


def is_free(cls) -> bool:
    """For ``poll``: whether nothing is being installed or downloaded; says so if something is."""
    if state.task is not None:
        cls.poll_message_set(f"{state.task.name} is under way")
        return False
    return True


def _may_download(cls) -> bool:
    if not is_free(cls):
        return False
    if not bpy.app.online_access:
        cls.poll_message_set(ONLINE)
        return False
    return True


def begin(task: api.Task, then: Callable[[], None]) -> None:
    """Follow it to its end, with the panels telling how far it is."""
    state.task, state.then, state.outcome = task, then, ""
    bpy.app.timers.register(_tick, first_interval=_TICK, persistent=True)
    redraw()


def _tick() -> float | None:
    task = state.task
    if task is not None and not task.done():
        redraw()
        return _TICK
    if task is not None:
        _settle(task)
    redraw()
    return None


def _settle(task: api.Task) -> None:
    """What has ended is told, and what waited for it is done."""
    state.task = None
    try:
        task.result()
        state.then()
        state.outcome, state.failed = f"{task.name} is done", False
    except Cancelled as error:
        state.outcome, state.failed = error.message, False
    except api.SegAddonError as error:
        state.outcome, state.failed = str(error), True


def redraw() -> None:
    """The sidebars and the preferences."""
    running.redraw()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()


def unregister() -> None:
    """What is under way ends: an installation is made anew the next time, a download of a model goes on then."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if state.task is not None:
        state.task.cancel()
        state.task.wait(_STOP_SECONDS)
    if state.looking is not None:
        state.looking.join(_STOP_SECONDS)
    state.task, state.looking, state.outcome = None, None, ""


def use_installed() -> None:
    """Point the preferences to the server that was installed; in a window it starts at once, and tells its models."""
    _set_python(str(api.installation(folder()).python))
    if not bpy.app.background:
        threading.Thread(target=_start_server, name="segaddon start", daemon=True).start()


def _start_server() -> None:
    """Thread. What goes wrong is told by the next button that needs the server."""
    with contextlib.suppress(api.SegAddonError):
        api.check_server()


def _set_python(path: str) -> None:
    chosen = preferences()
    if chosen is not None:
        chosen.server_python = path  # applies itself
        bpy.context.preferences.is_dirty = True


class SEGADDON_OT_show_in_view(bpy.types.Operator):
    """Look through the scene's camera with the picture over the view; it never renders"""

    bl_idname = "segaddon.show_in_view"
    bl_label = "Show in View"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        if context.scene.segaddon.picture is None:
            cls.poll_message_set("Generate a picture first")
            return False
        return True

    def execute(self, context):
        with reported(self):
            _show_over_view(context.scene)
            if context.space_data is not None and context.space_data.type == "VIEW_3D":
                context.space_data.region_3d.view_perspective = "CAMERA"
            return {"FINISHED"}
        return {"CANCELLED"}


def _show_over_view(scene: bpy.types.Scene) -> None:
    """The scene's picture as a reference; the one that stands there already where there is one."""
    image = scene.segaddon.picture
    for one in api.placements(scene):
        if one.kind == "reference" and api.about_placement(one).image == image:
            api.show_placement(one)
            return
    api.reference(image, opacity=1.0, scene=scene)


class SEGADDON_OT_install_server(bpy.types.Operator):
    """Install the server into a folder of its own, outside Blender's Python; what is there and whole is only updated"""

    bl_idname = "segaddon.install_server"
    bl_label = "Install Server"

    anew: BoolProperty(name="Repair", description="Make it anew, also where it is whole", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context):
        if not api.carries_server():
            cls.poll_message_set("This copy of the add-on does not carry the server: install it from its zip")
            return False
        return _may_download(cls)

    def invoke(self, _context, _event):
        if bpy.app.background:
            return self.execute(_context)
        with reported(self):
            begin(self._start(), use_installed)
            return {"FINISHED"}
        return {"CANCELLED"}

    def execute(self, _context):
        with reported(self):
            self._start().result()
            use_installed()
            self.report({"INFO"}, "The server is installed")
            return {"FINISHED"}
        return {"CANCELLED"}

    def _start(self) -> api.Task:
        asked = wanted()
        return api.install_server(
            models=asked.models,
            accelerator=asked.accelerator,
            index=asked.index,
            folder=folder() or None,
            anew=self.anew,
            wait=False,
        )


class SEGADDON_OT_remove_server(bpy.types.Operator):
    """Delete the server that was installed here; models that were downloaded stay"""

    bl_idname = "segaddon.remove_server"
    bl_label = "Remove Server"

    @classmethod
    def poll(cls, _context):
        return is_free(cls)

    def invoke(self, context, event):
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, _context):
        with reported(self):
            ours, task = str(api.installation(folder()).python), api.remove_server(folder() or None, wait=False)
            if not bpy.app.background:
                begin(task, lambda: _forget_python(ours))
                return {"FINISHED"}
            task.result()
            _forget_python(ours)
            self.report({"INFO"}, "The server is removed")
            return {"FINISHED"}
        return {"CANCELLED"}


def _forget_python(python: str) -> None:
    chosen = preferences()
    if chosen is not None and chosen.server_python == python:
        _set_python("")


class SEGADDON_OT_cancel_setup(bpy.types.Operator):
    """Stop what is being installed or downloaded"""

    bl_idname = "segaddon.cancel_setup"
    bl_label = "Cancel Installation"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context):
        return state.task is not None

    def execute(self, _context):
        state.task.cancel()
        redraw()
        return {"FINISHED"}


class SEGADDON_OT_show_log(bpy.types.Operator):
    """Show what the installer wrote, as a text in Blender"""

    bl_idname = "segaddon.show_log"
    bl_label = "Show Log"

    @classmethod
    def poll(cls, _context):
        if not _log().exists():
            cls.poll_message_set("Nothing has been installed here")
            return False
        return True

    def execute(self, _context):
        text = bpy.data.texts.get("Server Log") or bpy.data.texts.new("Server Log")
        text.from_string(_log().read_text("utf-8", "replace"))
        if not bpy.app.background:
            bpy.ops.wm.window_new()
            (area,) = bpy.context.window_manager.windows[-1].screen.areas
            area.ui_type = "TEXT_EDITOR"
            area.spaces.active.text = text
        return {"FINISHED"}


def _log() -> Path:
    return state.task.log_file if state.task is not None else api.installation(folder()).log


class SEGADDON_OT_pull_model(bpy.types.Operator):
    """Download this model onto this machine, once; a download that was cut off goes on where it was"""

    bl_idname = "segaddon.pull_model"
    bl_label = "Get Model"
    bl_options = {"INTERNAL"}

    name: StringProperty(name="Model", description="Its id", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context):
        return _may_download(cls)

    @classmethod
    def description(cls, _context, properties):
        model = _model(properties.name)
        return f"{model.title}: {model.licence or 'its own licence'}, {cls.__doc__}" if model else cls.__doc__

    def invoke(self, _context, _event):
        if bpy.app.background:
            return self.execute(_context)
        scene, name = bpy.context.scene.name, self.name
        with reported(self):
            begin(self._start(), lambda: _choose(scene, name))
            return {"FINISHED"}
        return {"CANCELLED"}

    def execute(self, context):
        with reported(self):
            self._start().result()
            _choose(context.scene.name, self.name)
            return {"FINISHED"}
        return {"CANCELLED"}

    def _start(self) -> api.Task:
        model = _model(self.name)
        return api.pull_model(self.name, 1e9 * model.to_get if model else 0.0)


def _model(name: str) -> api.ModelInfo | None:
    return next((one for one in api.models() if one.id == name), None)


def _choose(scene: str, name: str) -> None:
    """What was just got is drawn with, where nothing else was chosen. Takes names: the file may be another by now."""
    found = bpy.data.scenes.get(scene)
    if found is not None and not found.segaddon.model:
        found.segaddon.model = name


CLASSES = (
    SEGADDON_OT_show_in_view,
    SEGADDON_OT_install_server,
    SEGADDON_OT_remove_server,
    SEGADDON_OT_cancel_setup,
    SEGADDON_OT_show_log,
    SEGADDON_OT_pull_model,
)
