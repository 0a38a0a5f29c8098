"""A scene and its baked textures → USD, the textures in a layer of their own."""

from __future__ import annotations

import logging
import re
from itertools import islice
from pathlib import Path

import bpy

from .. import texturing
from ..core import usd
from ..core.atomic import storage_error, write_atomic
from ..protocol.errors import InvalidInput, SceneError
from ..texturing import ShownBake

log = logging.getLogger(__name__)
_HEAD = 100
"""lines that surely hold what a layer says of itself"""


def export(scene: bpy.types.Scene, path: Path) -> list[Path]:
    """Write the scene, its textures and a file that has both; see ``api.export_usd``."""
    if path.suffix not in (".usda", ".usd"):
        raise InvalidInput(f"'{path.name}' is no USD file", "Let the name end in .usda")
    if "@@@" in path.stem:
        raise InvalidInput(f"USD cannot name a file '{path.name}'", "Leave the @ out of its name")
    shown = [found for one in scene.objects if (found := texturing.shown_bake(one)) is not None]
    if not shown:
        raise InvalidInput(f"No object of scene '{scene.name}' shows a baked texture", "Bake to Textures first")
    base, layer, folder = (path.with_name(path.stem + end) for end in ("_scene.usda", "_textures.usda", "_textures"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error
    texturing.write_usd(scene, base, [one.object for one in shown])
    with base.open(encoding="utf-8") as lines:
        head = list(islice(lines, _HEAD))
    files = {one: texturing.write_image(one.image, folder) for one in shown}
    write_atomic(layer, usd.textures(_textures(base, files)).encode())
    write_atomic(path, usd.stage(head, [f"./{layer.name}", f"./{base.name}"]).encode())
    return [path, layer, base, *files.values()]


def _textures(base: Path, files: dict[ShownBake, Path]) -> list[usd.Texture]:
    """What each mesh in the file ``base`` shows; one that the file does not have is left out, and said."""
    with base.open(encoding="utf-8") as lines:
        meshes = {one.owners: one for one in usd.meshes(lines)}
    found = []
    for one, file in files.items():
        mesh = meshes.get(_owners(one.object))
        layer = None if mesh is None else _uv_layer(mesh, one)
        if mesh is None or layer is None:
            log.warning("'%s' is not in the USD file with its UV layer: its texture is left out", one.object.name)
            continue
        path = f"./{file.parent.name}/{file.name}"
        raw, emits = one.image.is_float, one.lighting == "unlit"
        found.append(usd.Texture(mesh, path, layer, raw, emits, one.roughness))
    if not found:
        raise SceneError("None of the baked objects is in the USD file", "Show them in the viewport and export again")
    return found


def _owners(one: bpy.types.Object) -> tuple[str, ...]:
    above = () if one.parent is None else _owners(one.parent)
    return (*above, one.name)


def _uv_layer(mesh: usd.Mesh, shown: ShownBake) -> str | None:
    """The primvar of a UV layer: Blender writes "_" for each byte that no identifier holds and before a leading digit,
    and calls the active layer "st"."""
    written = re.sub(rb"[^A-Za-z0-9]", b"_", shown.layer.encode()).decode()
    for name in (written, f"_{written}"):
        if name in mesh.uv_layers:
            return name
    active = shown.object.data.uv_layers.active
    return "st" if "st" in mesh.uv_layers and active is not None and active.name == shown.layer else None
