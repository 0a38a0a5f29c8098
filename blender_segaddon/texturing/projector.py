"""The node group that projects: per surface point the picture's colour where the source camera saw that point.

Every point looks up the four texels around it. A texel counts when it belongs to the same instance (Object Info
Random, or what that was when the object had another name) and the plane that the camera saw there goes through the
point; the colours of those that count are mixed bilinearly. So no edge is missed and no other object's colour is ever
taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ..core import outlines
from ..core.camera import Camera
from . import shading
from .graph import Graph, Value, new_group
from .locking import captured_place
from .surfaces import KEY

TOLERANCE = 0.002
"""How far from the seen plane a point may lie, as a share of its depth."""
SLACK = 0.5
"""The same, in pixels of the plane's own slope: curved surfaces leave their plane within a pixel."""

COVER = 0.25
"""Share of the four texels' weight that must agree: less lets the picture spill over edges, more leaves seams bare."""
SAME = 1e-3
"""What a texel of the same instance counts that sees another plane of it: enough where no other one is there."""
SOME = 1e-5
"""The same where outlines say what was seen, and the texels only give the colour."""
PART = (0.0005, 0.5)
"""As (``TOLERANCE``, ``SLACK``), for a part of a pixel, whose plane was measured close by."""
WHOLE = (0.0005 + outlines.TOLERANCE, 0.05 + outlines.SLACK)
"""The same for a pixel that one plane fills, as closely as ``core.outlines`` has found."""
CENTRE = 0.02
"""Pixels from its centre within which a pixel's own evidence holds, also where an outline goes right through it."""
DIGITS = (255.0, 255.0 * 256, 255.0 * 65536)
"""A number in the red, green and blue of an 8-bit texel."""

GAMMA = 2.2
"""Texels hold light to the power of 1/GAMMA: mixed so, colours between them look as between the picture's pixels; light
itself would mix too bright."""


@dataclass(frozen=True)
class Place:
    """Where a point falls in the picture, as sockets."""

    pixel: bpy.types.NodeSocket
    """vector: x to the right, y upwards, in pixels, centres at whole numbers"""
    nearness: bpy.types.NodeSocket
    """as ``evidence.nearness``; below 0 behind the camera"""


@dataclass(frozen=True)
class Fine:
    """Where exactly surfaces end, as images."""

    index: bpy.types.Image
    """8-bit, of the camera's size: number of the pixel's block, see ``DIGITS``; 0 where one plane fills the pixel"""
    parts: bpy.types.Image
    """see ``evidence.blocks``"""
    size: tuple[int, int]
    """(width, height) of ``parts``: to ask the image itself would make Blender read it"""
    factor: int
    """parts along each side of a pixel"""
    columns: int
    """blocks side by side in ``parts``"""


@dataclass(frozen=True)
class Seen:
    """What the camera saw at one place, as sockets: see ``evidence.evidence``."""

    key: bpy.types.NodeSocket
    near: bpy.types.NodeSocket
    right: bpy.types.NodeSocket
    up: bpy.types.NodeSocket


def build_projector(
    name: str,
    camera: Camera,
    picture: bpy.types.Image,
    evidence: bpy.types.Image,
    fine: Fine | None = None,
    lock: int | None = None,
) -> bpy.types.NodeTree:
    """Group with inputs Surface, Alpha (opaque from .5), Hole (open from .5) and output Surface.

    Args:
        picture: raw data image of the camera's size; scene-linear light to the power of 1/GAMMA, and in its alpha how
            much of the surface the picture takes from what was there before it.
        evidence: see ``evidence.evidence``.
        fine: where exactly surfaces end; None: as the four texels around a point say.
        lock: number of the properties by which objects remember their place, see ``locking``; None: it is where it is.
    """
    tap = _build_tap(f"{name} texel", camera, picture, evidence)
    floats = [("Alpha", "NodeSocketFloat"), ("Hole", "NodeSocketFloat")]
    tree = new_group(name, [("Surface", "NodeSocketShader"), *floats], [("Surface", "NodeSocketShader")])
    tree.interface.items_tree["Alpha"].default_value = 1.0
    graph = Graph(tree)
    ends = {node.bl_idname: node for node in tree.nodes}
    source, target = ends["NodeGroupInput"], ends["NodeGroupOutput"]
    position, normal = captured_place(graph, lock)
    offset = graph.vector("SUBTRACT", position, camera_origin(camera))
    place, keys = locate(graph, camera, offset), _keys(graph)
    colour, weight, share = _sample(graph, tap, place, keys)
    enough = graph.math("GREATER_THAN", weight, COVER if fine is None else SOME)
    if fine is not None:
        within = graph.node("ShaderNodeGroup", node_tree=_build_within(f"{name} outline", camera, evidence, fine))
        for value, socket in zip((place.pixel, place.nearness, *keys), within.inputs, strict=True):
            graph.put(value, socket)
        enough = graph.math("MULTIPLY", enough, within.outputs[0])
    solid = graph.math("LESS_THAN", source.outputs["Hole"], 0.5)
    filled = graph.math("GREATER_THAN", source.outputs["Alpha"], 0.4999)
    show = graph.all_of(enough, _faces(graph, camera, offset, normal), solid, filled, shading.seen_by(graph), share)
    mix = graph.node("ShaderNodeMixShader")
    light = graph.node("ShaderNodeGamma", name=shading.COLOUR)
    graph.put(colour, light.inputs["Color"])
    light.inputs["Gamma"].default_value = GAMMA
    mix.name = shading.MIX
    for value, socket in zip((show, source.outputs["Surface"]), mix.inputs, strict=False):
        graph.put(value, socket)
    graph.put(mix.outputs[0], target.inputs["Surface"])
    shading.set_shading(tree, "unlit")
    return tree


def camera_origin(camera: Camera) -> tuple[float, ...]:
    return tuple(camera.matrix_world[:3, 3].tolist())


def locate(graph: Graph, camera: Camera, offset: Value) -> Place:
    """Where the point at ``offset`` (world space, from the camera) falls in the picture."""
    if camera.type == "PANO":
        return _locate_pano(graph, camera, offset)
    right, up, back = camera.matrix_world[:3, :3].T
    p, half = camera.projection_matrix, np.array([camera.width, camera.height]) / 2
    depth = graph.vector("DOT_PRODUCT", offset, tuple((-back).tolist()))
    rows = [half[i] * (p[i, 0] * right + p[i, 1] * up + p[i, 2] * back) for i in (0, 1)]
    x, y = (graph.vector("DOT_PRODUCT", offset, tuple(row.tolist())) for row in rows)
    if camera.type == "ORTHO":
        near, centre = depth, half * (1 + p[:2, 3]) - 0.5
    else:
        near, centre = graph.math("DIVIDE", 1.0, depth), half - 0.5
        x, y = graph.math("MULTIPLY", x, near), graph.math("MULTIPLY", y, near)
    pixel = graph.vector("ADD", graph.combine(x, y), (float(centre[0]), float(centre[1]), 0.0))
    return Place(pixel, near)


def _locate_pano(graph: Graph, camera: Camera, offset: Value) -> Place:
    right, up, back = (tuple(axis.tolist()) for axis in camera.matrix_world[:3, :3].T)
    lat0, lat1, lon0, lon1 = camera.pano_range
    near = graph.math("DIVIDE", 1.0, graph.vector("LENGTH", offset))
    x, y, z = (graph.vector("DOT_PRODUCT", offset, axis) for axis in (right, up, back))
    latitude = graph.math("ARCSINE", graph.math("MULTIPLY", y, near))
    longitude = graph.math("ARCTAN2", x, graph.math("MULTIPLY", z, -1.0))
    scale_x, scale_y = camera.width / (lon1 - lon0), camera.height / (lat1 - lat0)
    column = graph.math("MULTIPLY_ADD", longitude, scale_x, -lon0 * scale_x - 0.5)
    row = graph.math("MULTIPLY_ADD", latitude, scale_y, -lat0 * scale_y - 0.5)
    return Place(graph.combine(column, row), near)


def _faces(graph: Graph, camera: Camera, offset: Value, normal: Value) -> bpy.types.NodeSocket:
    """1 where the side of the surface that is looked at is the one that the source camera saw.

    True Normal points to the onlooker, so the source camera must lie on that side too.
    """
    towards: Value = graph.scaled(offset, -1.0)
    if camera.type == "ORTHO":
        towards = tuple(camera.matrix_world[:3, 2].tolist())
    return graph.math("GREATER_THAN", graph.vector("DOT_PRODUCT", normal, towards), 0.0)


def _keys(graph: Graph) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket]:
    """What the surface is known by: Object Info Random, and what that was at the first capture."""
    key = graph.node("ShaderNodeObjectInfo").outputs["Random"]
    lasting = graph.node("ShaderNodeAttribute", attribute_type="OBJECT", attribute_name=KEY).outputs["Vector"]
    return key, graph.split(lasting)[0]  # the output Fac averages, and rounds


def _sample(
    graph: Graph, tap: bpy.types.NodeTree, place: Place, keys: Sequence[bpy.types.NodeSocket]
) -> tuple[bpy.types.NodeSocket, ...]:
    """(colour, sum of weights, share) of the four texels around a place."""
    base = graph.vector("FLOOR", place.pixel)
    inside = graph.vector("SUBTRACT", place.pixel, base)
    taps = []
    for corner in ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 1.0, 0.0)):
        node = graph.node("ShaderNodeGroup", node_tree=tap)
        values = (
            graph.vector("ADD", base, corner),
            graph.vector("SUBTRACT", inside, corner),
            place.nearness,
            *keys,
        )
        for value, socket in zip(values, node.inputs, strict=True):
            graph.put(value, socket)
        taps.append(node.outputs)
    colour, weight, share = taps[0][0], taps[0][1], taps[0][2]
    for one in taps[1:]:
        colour = graph.vector("ADD", colour, one[0])
        weight = graph.math("ADD", weight, one[1])
        share = graph.math("ADD", share, one[2])
    part = graph.math("DIVIDE", 1.0, graph.math("MAXIMUM", weight, 1e-9))
    return graph.scaled(colour, part), weight, graph.math("MULTIPLY", share, part)


def _build_tap(name: str, camera: Camera, picture: bpy.types.Image, evidence: bpy.types.Image) -> bpy.types.NodeTree:
    """Group (texel, offset of the point from its centre, nearness, key, key that lasts) → (colour · weight, weight,
    share · weight)."""
    inputs = [("Texel", "NodeSocketVector"), ("Offset", "NodeSocketVector")]
    inputs += [(title, "NodeSocketFloat") for title in ("Nearness", "Key", "Lasting Key")]
    outputs = [("Colour", "NodeSocketVector"), ("Weight", "NodeSocketFloat"), ("Share", "NodeSocketFloat")]
    tree = new_group(name, inputs, outputs)
    graph = Graph(tree)
    ends = {node.bl_idname: node for node in tree.nodes}
    texel, offset, near, *keys = list(ends["NodeGroupInput"].outputs)[:5]
    size = (1 / camera.width, 1 / camera.height, 1.0)
    where = graph.vector("MULTIPLY", graph.vector("ADD", texel, (0.5, 0.5, 0.0)), size)
    seen = _seen(graph.texel(evidence, where), graph)
    agrees = _agrees(graph, camera, seen, offset, near, keys)
    x, y, _ = graph.split(offset)
    shares = [graph.math("SUBTRACT", 1.0, graph.math("ABSOLUTE", one)) for one in (x, y)]
    same = graph.math("MAXIMUM", *(graph.math("COMPARE", key, seen.key, 0.0) for key in keys))
    weight = graph.all_of(graph.math("MULTIPLY_ADD", same, SAME, agrees), *shares)
    shown = graph.texel(picture, where).outputs
    values = (graph.scaled(shown["Color"], weight), weight, graph.math("MULTIPLY", shown["Alpha"], weight))
    for value, socket in zip(values, ends["NodeGroupOutput"].inputs, strict=False):
        graph.put(value, socket)
    return tree


def _seen(texel: bpy.types.Node, graph: Graph) -> Seen:
    key, near, right = graph.split(texel.outputs["Color"])
    return Seen(key, near, right, texel.outputs["Alpha"])


def _agrees(
    graph: Graph,
    camera: Camera,
    seen: Seen,
    offset: Value,
    near: Value,
    keys: Sequence[Value],
    limits: tuple[float, float] = (TOLERANCE, SLACK),
) -> bpy.types.NodeSocket:
    """1 where a point is of the instance, and on the plane, that were seen at a place ``offset`` away in the picture.

    One of the keys must be the texel's: an instance has the second from its prototype, whose plane it is not in.
    """
    x, y, _ = graph.split(offset)
    expected = graph.math("MULTIPLY_ADD", x, seen.right, graph.math("MULTIPLY_ADD", y, seen.up, seen.near))
    slope = graph.math("ADD", graph.math("ABSOLUTE", seen.right), graph.math("ABSOLUTE", seen.up))
    off = graph.math("ABSOLUTE", graph.math("SUBTRACT", near, expected))
    reach = _reach(graph, camera, seen.near, slope, *limits)
    same = graph.math("MAXIMUM", *(graph.math("COMPARE", key, seen.key, 0.0) for key in keys))
    return graph.all_of(same, graph.math("GREATER_THAN", seen.near, 0.0), graph.math("LESS_THAN", off, reach))


def _build_within(name: str, camera: Camera, evidence: bpy.types.Image, fine: Fine) -> bpy.types.NodeTree:
    """Group (place in the picture, nearness, key, key that lasts) → 1 where the point was seen, by its own pixel alone,
    or by the part of it where an outline goes through.

    A group of its own since Blender looks through a whole tree at every node and link that is added.
    """
    floats = [(title, "NodeSocketFloat") for title in ("Nearness", "Key", "Lasting Key")]
    tree = new_group(name, [("Pixel", "NodeSocketVector"), *floats], [("Seen", "NodeSocketFloat")])
    ends = {node.bl_idname: node for node in tree.nodes}
    point, near, *keys = list(ends["NodeGroupInput"].outputs)[:4]
    graph = Graph(tree)
    seen = _within(graph, camera, evidence, fine, Place(point, near), keys)
    graph.put(seen, ends["NodeGroupOutput"].inputs[0])
    return tree


def _within(
    graph: Graph, camera: Camera, evidence: bpy.types.Image, fine: Fine, place: Place, keys: Sequence[Value]
) -> bpy.types.NodeSocket:
    pixel = graph.vector("FLOOR", graph.vector("ADD", place.pixel, (0.5, 0.5, 0.0)))
    inside = graph.vector("ADD", graph.vector("SUBTRACT", place.pixel, pixel), (0.5, 0.5, 0.0))
    size = (1 / camera.width, 1 / camera.height, 1.0)
    where = graph.vector("MULTIPLY", graph.vector("ADD", pixel, (0.5, 0.5, 0.0)), size)
    digits = graph.vector("DOT_PRODUCT", graph.texel(fine.index, where).outputs["Color"], DIGITS)
    number = graph.math("ROUND", digits)
    whole = _seen(graph.texel(evidence, where), graph)
    in_whole = graph.vector("SUBTRACT", inside, (0.5, 0.5, 0.0))
    parts = graph.scaled(inside, float(fine.factor))
    last = float(fine.factor - 1)
    part = graph.vector("MINIMUM", graph.vector("FLOOR", parts), (last, last, 0.0))
    middle = graph.vector("ADD", part, (0.5, 0.5, 0.0))
    column = graph.math("MODULO", number, float(fine.columns))
    row = graph.math("FLOOR", graph.math("DIVIDE", graph.math("ADD", number, 0.5), float(fine.columns)))
    corner = graph.scaled(graph.combine(column, row), float(fine.factor))
    atlas = (1 / fine.size[0], 1 / fine.size[1], 1.0)
    cut = _seen(graph.texel(fine.parts, graph.vector("MULTIPLY", graph.vector("ADD", corner, middle), atlas)), graph)
    in_part = graph.vector("SUBTRACT", parts, middle)
    tests = [
        _agrees(graph, camera, seen, offset, place.nearness, keys, limits)
        for seen, offset, limits in ((whole, in_whole, WHOLE), (cut, in_part, PART))
    ]
    whole_pixel = graph.math("LESS_THAN", number, 0.5)
    centre = graph.math("LESS_THAN", graph.vector("LENGTH", in_whole), CENTRE)
    by_pixel = graph.math("MULTIPLY", tests[0], graph.math("MAXIMUM", whole_pixel, centre))
    by_part = graph.math("MULTIPLY", tests[1], graph.math("SUBTRACT", 1.0, whole_pixel))
    return graph.math("MAXIMUM", by_pixel, by_part)


def _reach(
    graph: Graph, camera: Camera, near: Value, slope: Value, tolerance: float, slack: float
) -> bpy.types.NodeSocket:
    """How far the nearness of a point may be from what its texel's plane says."""
    if camera.type == "ORTHO":  # nearness is a depth: the share is of the picture's width instead, in scene units
        width = 2 / abs(float(camera.projection_matrix[0, 0]))
        return graph.math("MULTIPLY_ADD", slope, slack, tolerance * width)
    return graph.math("MULTIPLY_ADD", slope, slack, graph.math("MULTIPLY", near, tolerance))
