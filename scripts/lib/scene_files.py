"""Scenes from files: .blend, glTF and USD into a fresh file, without side effects on the user's Blender."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import bpy

from blender_segaddon.protocol.errors import InvalidInput, SceneError

from .blockout import add_world

log = logging.getLogger(__name__)

SUFFIXES = (".blend", ".glb", ".gltf", ".usd", ".usda", ".usdc", ".usdz")

_GEOMETRY = {"CURVE", "CURVES", "FONT", "META", "POINTCLOUD", "SURFACE", "VOLUME"}
"""Object types that render whatever they hold; a mesh needs faces, or a modifier that makes some."""


def fresh_file() -> bpy.types.Scene:
    """An empty file with factory settings, and its scene. The preferences on disk stay as they are."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def load_scene(path: str | Path) -> bpy.types.Scene:
    """Loads a file as the current one and returns its scene; Blender's own messages go to the log.

    Scripts and driver expressions of a .blend do not run. A glTF or USD file that brings no world gets a neutral one.
    Linked files that are missing are warned of in the log (see ``missing_libraries``).

    Raises:
        SceneError: no such file, a folder, an unknown kind, not readable as a scene, nothing in it that renders.
    """
    path = Path(path).expanduser().resolve()
    _check_path(path)
    fresh_file()
    load = {".blend": _open_blend, ".glb": _import_gltf, ".gltf": _import_gltf}.get(path.suffix.lower(), _import_usd)
    _read(load, path)
    _check_names(path)
    scene = bpy.context.scene
    if scene.world is None and path.suffix.lower() != ".blend":
        add_even_light(scene)
    for library in missing_libraries():
        log.warning("Linked file %s is missing; what it holds does not show", library)
    if not has_renderable(scene):
        raise SceneError(
            f"Scene '{path.name}' has no visible object", "Enable an object for rendering and save it again"
        )
    return scene


def is_lit(scene: bpy.types.Scene) -> bool:
    """Whether anything gives light: a world, a lamp that renders, or a material that emits."""
    lamps = any(one.type == "LIGHT" and not one.hide_render for one in scene.objects)
    nodes = (node for material in bpy.data.materials if material.node_tree for node in material.node_tree.nodes)
    return scene.world is not None or lamps or any(node.type == "EMISSION" for node in nodes)


def add_even_light(scene: bpy.types.Scene) -> None:
    """Give the scene a light grey world, so that its own materials can be seen."""
    add_world(scene, "#cbcbcb", 1.0)


def missing_libraries() -> list[str]:
    """Absolute paths of the .blend files that the current file links and that do not exist, sorted."""
    files = {bpy.path.abspath(library.filepath, library=library.parent) for library in bpy.data.libraries}
    return sorted(os.path.normpath(file) for file in files if not Path(file).exists())


def camera_named(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    """The scene's camera of this name. Raises InvalidInput, which names the cameras that there are."""
    cameras = {item.name: item for item in scene.objects if item.type == "CAMERA"}
    if name in cameras:
        return cameras[name]
    hint = (
        f"Choose one of: {', '.join(sorted(cameras))}"
        if cameras
        else "The scene has none: leave the camera out to get one"
    )
    raise InvalidInput(f"Camera '{name}' does not exist in scene '{scene.name}'", hint)


def main_camera(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The scene's own camera; the first by name where cameras stand about and none is chosen, as after an import."""
    cameras = sorted((item for item in scene.objects if item.type == "CAMERA"), key=lambda item: item.name)
    return scene.camera or next(iter(cameras), None)


def has_renderable(scene: bpy.types.Scene) -> bool:
    """Whether any object with something to see is enabled for rendering, alone or through a collection instance."""
    return any(_shows(item) for item in _rendered(scene.view_layers[0].layer_collection))


def _check_path(path: Path) -> None:
    if path.is_dir():
        raise SceneError(f"'{path}' is a folder, not a scene", f"Give a file: {_known()}")
    if not path.exists():
        raise SceneError(f"Scene '{path}' does not exist", "Check the path")
    if path.suffix.lower() not in SUFFIXES:
        raise SceneError(f"'{path.name}' is no kind of scene that can be read", f"Give one of: {_known()}")
    if not os.access(path, os.R_OK):
        raise SceneError(f"Scene '{path}' may not be read", "Check the permissions of the file")


def _check_names(path: Path) -> None:
    """Files of long ago, and broken ones, hold names that Blender itself cannot hand over."""
    try:
        for item in bpy.data.user_map():
            _ = item.name
    except UnicodeDecodeError as error:
        fresh_file()
        raise SceneError(
            f"'{path.name}' holds names that are no Unicode", "Rename its objects, save it again"
        ) from error


def _known() -> str:
    return ", ".join(SUFFIXES)


def _read(load: Callable[[str], set[str]], path: Path) -> None:
    """Runs one of Blender's loaders; what goes wrong in it becomes one SceneError and leaves an empty file."""
    try:
        with messages_logged():
            done = load(str(path))
    # Importers are add-ons: garbage makes them raise whatever their parsing meets.
    except Exception as error:
        log.debug("Loading %s failed", path, exc_info=True)
        fresh_file()
        raise _unreadable(path, str(error)) from error
    if "FINISHED" not in done:
        fresh_file()
        raise _unreadable(path, "")


def _unreadable(path: Path, reason: str) -> SceneError:
    lines = [line.removeprefix("Error: ").strip() for line in reason.splitlines() if line.strip()]
    detail = f" ({lines[0].rstrip('.')})" if lines else ""
    return SceneError(f"'{path.name}' cannot be read as a scene{detail}", "Open it in Blender and save it again")


def _open_blend(path: str) -> set[str]:
    return bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=False)


def _import_gltf(path: str) -> set[str]:
    return bpy.ops.import_scene.gltf(filepath=path)


def _import_usd(path: str) -> set[str]:
    return bpy.ops.wm.usd_import(filepath=path)


@contextmanager
def messages_logged() -> Iterator[None]:
    """Keeps what C and Python code prints inside off the terminal; it goes to the log, level DEBUG."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as sink:
        try:
            # sys.stdout need not be file 1: a notebook or a test runner may have put its own there.
            with _streams_to(sink.fileno()), redirect_stdout(sink), redirect_stderr(sink):
                yield
        finally:
            sink.seek(0)
            for line in sink.read().splitlines():
                log.debug("Blender: %s", line)


@contextmanager
def _streams_to(target: int) -> Iterator[None]:
    """Sends the files 1 and 2 of the process to another open file."""
    _flush()
    kept = [(stream, os.dup(stream)) for stream in (1, 2)]
    try:
        for stream, _ in kept:
            os.dup2(target, stream)
        yield
    finally:
        _flush()
        for stream, copy in kept:
            os.dup2(copy, stream)
            os.close(copy)


def _flush() -> None:
    """Writes out what Python and Blender's C code hold back, so that nothing comes out on the wrong side."""
    sys.stdout.flush()
    sys.stderr.flush()
    c_library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    c_library.fflush(None)


def _rendered(layer: bpy.types.LayerCollection) -> Iterator[bpy.types.Object]:
    """The objects below a layer collection that are enabled for rendering."""
    if layer.exclude or layer.collection.hide_render:
        return
    yield from (item for item in layer.collection.objects if not item.hide_render)
    for child in layer.children:
        yield from _rendered(child)


def _shows(item: bpy.types.Object) -> bool:
    if item.instance_type == "COLLECTION" and item.instance_collection is not None:
        return any(not member.hide_render and _shows(member) for member in item.instance_collection.all_objects)
    if item.type == "MESH":
        return len(item.data.polygons) > 0 or len(item.modifiers) > 0
    return item.type in _GEOMETRY
