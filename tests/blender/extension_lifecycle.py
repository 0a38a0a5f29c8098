"""A program for Blender's Python: installs an extension's zip, enables and disables it twice, prints what it left.

    python extension_lifecycle.py ZIP ID

Prints one JSON object: {"enabled": what the extension added while it was on, "left": what was there after it was off},
each {kind: [entries]}. BLENDER_USER_RESOURCES must name an empty folder.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import sys
import threading
import types
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import bpy

Snapshot = dict[str, list[str]]


def snapshot(extension: str) -> Snapshot:
    """Everything that an add-on may hang into Blender, as sorted texts.

    bpy.app.driver_namespace is not read: that alone makes bpy crash (4.2) or hang (4.5) when its Python ends.
    """
    found = {
        "classes": dir(bpy.types),
        "properties": _properties(),
        "operators": [f"{group}.{name}" for group in dir(bpy.ops) for name in dir(getattr(bpy.ops, group))],
        "menu entries": _draw_functions(),
        "handlers": _handlers(),
        "timers": [str(one) for one in _callables(extension) if bpy.app.timers.is_registered(one)],
        "keymaps": _keymap_items(),
        "threads": [thread.name for thread in threading.enumerate()],
        "files": _user_files(extension),
    }
    return {kind: sorted(entries) for kind, entries in found.items()}


def _properties() -> Iterator[str]:
    for name in dir(bpy.types):
        rna = getattr(getattr(bpy.types, name), "bl_rna", None)
        for key in rna.properties.keys() if rna else ():
            yield f"{name}.{key}"
    for owner in (
        "Scene",
        "Object",
        "Image",
        "WindowManager",
        "Context",
    ):  # what is plain Python is in no list of Blender's
        yield from (f"{owner}.{key} (Python)" for key in dir(getattr(bpy.types, owner)))


def _draw_functions() -> Iterator[str]:
    for name in dir(bpy.types):
        draw = getattr(getattr(bpy.types, name), "draw", None)
        for function in getattr(draw, "_draw_funcs", ()):
            if function.__module__.startswith("bl_ui."):
                continue  # the menu's own: once anything was appended, Blender keeps it in a list for good
            yield f"{name}: {function.__module__}.{function.__qualname__}"


def _handlers() -> Iterator[str]:
    for name in dir(bpy.app.handlers):
        handlers = getattr(bpy.app.handlers, name)
        if isinstance(handlers, list):
            for function in handlers:
                yield f"{name}: {function.__module__}.{function.__qualname__}"


def _callables(extension: str) -> Iterator[object]:
    """Every function of the extension that is alive: Blender lists no timers, it only answers for one."""
    for one in gc.get_objects():
        if isinstance(one, types.FunctionType | types.MethodType | functools.partial):
            function = one.func if isinstance(one, functools.partial) else one
            if extension in str(getattr(function, "__module__", "")):
                yield one


def _keymap_items() -> Iterator[str]:
    for configuration in bpy.context.window_manager.keyconfigs:
        for keymap in configuration.keymaps:
            for item in keymap.keymap_items:
                yield f"{configuration.name}/{keymap.name}: {item.idname} {item.to_string()}"


def _user_files(extension: str) -> Iterator[str]:
    """Files in the user's folder but for the extension's own and the installer's cache."""
    root = Path(os.environ["BLENDER_USER_RESOURCES"])
    for path in root.rglob("*"):
        name = path.relative_to(root)
        if path.is_file() and not {extension, ".cache"} & set(name.parts):
            yield name.as_posix()


def difference(before: Snapshot, after: Snapshot) -> Snapshot:
    """What one snapshot has beyond the other, or lacks ("-"); kinds without a difference are left out."""
    changes = {}
    for kind in after:
        old, new = Counter(before[kind]), Counter(after[kind])
        changes[kind] = [*(new - old).elements(), *(f"-{entry}" for entry in (old - new).elements())]
    return {kind: entries for kind, entries in changes.items() if entries}


def main(archive: str, extension: str) -> None:
    module = f"bl_ext.user_default.{extension}"
    before = snapshot(extension)
    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    if module not in bpy.context.preferences.addons:
        raise SystemExit(f"{module} was not enabled by the installer")
    enabled = difference(before, snapshot(extension))
    left: Snapshot = {}
    for round_number in (1, 2):
        if round_number == 2:
            bpy.ops.preferences.addon_enable(module=module)
        bpy.ops.preferences.addon_disable(module=module)
        for kind, entries in difference(before, snapshot(extension)).items():
            left.setdefault(kind, []).extend(f"round {round_number}: {entry}" for entry in entries)
    print(json.dumps({"enabled": enabled, "left": left}))


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # the bpy wheels now and then hang in their own end, also without any extension
