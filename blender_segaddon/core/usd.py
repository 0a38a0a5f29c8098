"""Layers of USD as text: what Blender's exporter wrote, and textures in a layer of their own. Stdlib alone.

Blender's Python has no ``pxr`` everywhere (none next to the bpy wheel), so the little that is needed of the text format
is read and written here: https://openusd.org/release/spec_usda.html
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_PRIM = re.compile(r'(?:def|over|class) (\w+) "([^"]+)"')
_INDENT = 4
"""Spaces for each level, as USD itself writes them."""
_OBJECT = "custom string userProperties:blender:object_name = "
_UV = re.compile(r"texCoord2f\[\] primvars:(\w+) =")
_STAGE = ("defaultPrim", "metersPerUnit", "upAxis", "timeCodesPerSecond", "startTimeCode", "endTimeCode")
"""What holds for a whole stage and is read from its root layer alone."""
SCOPE = "seg_textures"
"""The prim, below the first one, that holds the materials of the textures."""


@dataclass(frozen=True)
class Mesh:
    """A mesh in a layer that Blender wrote."""

    path: str
    owners: tuple[str, ...]
    """names of the Blender objects above it, from the topmost parent to the one whose mesh it is"""
    subsets: tuple[str, ...]
    """names of the prims below it that have materials of their own"""
    uv_layers: tuple[str, ...]
    """names of its primvars that hold UVs"""


@dataclass(frozen=True)
class Texture:
    """What an object shows."""

    mesh: Mesh
    file: str
    """path as seen from the layer, with forward slashes"""
    uv_layer: str
    """a primvar of the mesh"""
    raw: bool
    """the file holds light, not colours to look at"""
    emits: bool
    """it shines by itself; else it is lit"""
    roughness: float | None = None
    """0..1 of what reflects as plastic does; None: it reflects nothing"""


def meshes(lines: Iterable[str]) -> list[Mesh]:
    """The meshes of a layer, as it stands in a .usda file that Blender has written with the objects' names."""
    stack: list[_Prim] = []
    found: list[_Prim] = []
    for depth, text in _statements(lines):
        prim = _PRIM.match(text)
        if prim:
            del stack[depth:]
            stack.append(_Prim(f"{stack[-1].path if stack else ''}/{prim[2]}", prim[1], tuple(stack)))
            if prim[1] == "Mesh":
                found.append(stack[-1])
            elif prim[1] == "GeomSubset":
                stack[-2].subsets.append(prim[2])
        elif stack and text.startswith(_OBJECT):
            stack[-1].name = str(ast.literal_eval(text[len(_OBJECT) :].strip()))
        elif stack and (layer := _UV.match(text)):
            stack[-1].uv_layers.append(layer[1])
    return [
        Mesh(one.path, tuple(up.name for up in one.above if up.name), tuple(one.subsets), tuple(one.uv_layers))
        for one in found
    ]


def textures(shown: Sequence[Texture]) -> str:
    """A layer that gives meshes their textures and holds nothing else."""
    root = shown[0].mesh.path.split("/")[1] if shown else "root"
    names = {one.mesh.path: f"texture_{number}" for number, one in enumerate(shown)}
    tree: dict[str, dict] = {}
    bound: dict[str, str] = {}
    for one in shown:
        for path in (one.mesh.path, *(f"{one.mesh.path}/{name}" for name in one.mesh.subsets)):
            bound[path] = f"/{root}/{SCOPE}/{names[one.mesh.path]}"
            below = tree
            for part in path.split("/")[1:]:
                below = below.setdefault(part, {})
    lines = [
        "#usda 1.0",
        "(",
        '    doc = "Textures alone: without this layer the scene is as it was before them"',
        ")",
        "",
    ]
    materials = [line for one in shown for line in _material(f"/{root}/{SCOPE}", names[one.mesh.path], one)]
    scope = [f'def Scope "{SCOPE}"', "{", *_indented(materials), "}"]
    lines += [f'over "{root}"', "{", *_indented(scope), *_indented(_overs(tree.get(root, {}), f"/{root}", bound)), "}"]
    return "\n".join(lines) + "\n"


def stage(head: Iterable[str], layers: Sequence[str]) -> str:
    """A root layer over others, strongest first.

    Args:
        head: the first lines of the layer that says how large and which way up the scene is.
        layers: their paths as seen from it.
    """
    kept = []
    for line in head:
        if line.startswith(")"):
            break
        if line.strip().split(" = ")[0] in _STAGE:
            kept.append(line.rstrip("\n"))
    paths = [f"        {_asset(one)}," for one in layers]
    return "\n".join(["#usda 1.0", "(", *kept, "    subLayers = [", *paths, "    ]", ")"]) + "\n"


def _asset(path: str) -> str:
    """A path as a layer has it; one with "@@@" cannot be written."""
    return f"@@@{path}@@@" if "@" in path else f"@{path}@"


class _Prim:
    """A prim while it is being read."""

    def __init__(self, path: str, kind: str, above: tuple[_Prim, ...]) -> None:
        self.path, self.kind, self.above = path, kind, above
        self.name = ""
        self.subsets: list[str] = []
        self.uv_layers: list[str] = []


def _statements(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(depth, text) of lines, without what stands in strings of several lines: that may look like anything."""
    quoted = ""
    for line in lines:
        if not quoted:
            text = line.lstrip(" ")
            yield (len(line) - len(text)) // _INDENT, text
        for mark in ('"""', "'''"):
            if quoted in ("", mark) and line.count(mark) % 2:
                quoted = "" if quoted else mark
                break


def _overs(tree: dict[str, dict], above: str, bound: dict[str, str]) -> list[str]:
    lines = []
    for name, below in tree.items():
        path = f"{above}/{name}"
        binds = path in bound
        lines += (
            [f'over "{name}" (', '    prepend apiSchemas = ["MaterialBindingAPI"]', ")"]
            if binds
            else [f'over "{name}"']
        )
        inner = [f"rel material:binding = <{bound[path]}>"] if binds else []
        lines += ["{", *_indented([*inner, *_overs(below, path, bound)]), "}"]
    return lines


def _material(scope: str, name: str, texture: Texture) -> list[str]:
    path = f"{scope}/{name}"
    dull = texture.roughness is None
    colour = "emissiveColor" if texture.emits else "diffuseColor"
    surface = [
        'uniform token info:id = "UsdPreviewSurface"',
        *(["color3f inputs:diffuseColor = (0, 0, 0)"] if texture.emits else []),
        f"color3f inputs:{colour}.connect = <{path}/picture.outputs:rgb>",
        f"float inputs:roughness = {1 if texture.roughness is None else round(texture.roughness, 4)}",
        *(["color3f inputs:specularColor = (0, 0, 0)", "int inputs:useSpecularWorkflow = 1"] if dull else []),
        "token outputs:surface",
    ]
    picture = [
        'uniform token info:id = "UsdUVTexture"',
        f"asset inputs:file = {_asset(texture.file)}",
        f'token inputs:sourceColorSpace = "{"raw" if texture.raw else "sRGB"}"',
        f"float2 inputs:st.connect = <{path}/place.outputs:result>",
        'token inputs:wrapS = "clamp"',
        'token inputs:wrapT = "clamp"',
        "float3 outputs:rgb",
    ]
    place = [
        'uniform token info:id = "UsdPrimvarReader_float2"',
        f'string inputs:varname = "{texture.uv_layer}"',
        "float2 outputs:result",
    ]
    shaders = {"surface": surface, "picture": picture, "place": place}
    inner = [f"token outputs:surface.connect = <{path}/surface.outputs:surface>"]
    for shader, body in shaders.items():
        inner += ["", f'def Shader "{shader}"', "{", *_indented(body), "}"]
    return [f'def Material "{name}"', "{", *_indented(inner), "}"]


def _indented(lines: Iterable[str]) -> list[str]:
    return [" " * _INDENT + line if line else line for line in lines]
