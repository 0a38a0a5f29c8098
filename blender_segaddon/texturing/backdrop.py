"""A picture behind everything, seen by cameras only; the scene's own world goes on lighting."""

from __future__ import annotations

from collections.abc import Collection

import bpy
import numpy as np

from ..core.camera import Camera
from ..core.maps import SceneMaps
from ..protocol.errors import InvalidInput
from . import foreground as foregrounds
from . import surfaces, worlds
from .colour import emitted
from .graph import Graph, Value, new_group
from .images import data_image
from .placement import Placement, free_name, record
from .projection import check_size
from .projector import locate


def backdrop(
    scene: bpy.types.Scene,
    linear: np.ndarray,
    maps: SceneMaps,
    *,
    foreground: Collection[str] | None = None,
    lights: bool = False,
    name: str = "Picture",
) -> Placement:
    """Put a picture behind the scene, exactly where the camera of ``maps`` sees it.

    Perspective and panoramic cameras: fixed to the world, so another camera sees it in the same directions.
    Orthographic ones: fixed to the frame, since all their rays have one direction.

    Args:
        linear: float32 H×W×3, scene-linear, of the maps' size.
        foreground: names of what stays to be seen before the picture (an instancer stands for all that it makes); None:
            everything.
        lights: where the picture reaches, it lights the scene too, in place of the world: for pictures all around.
        name: a readable name; numbered where it is taken.
    Raises:
        InvalidInput: wrong size, a foreground that the maps do not show, an orthographic picture as light.
    """
    if lights and maps.camera.type == "ORTHO":
        raise InvalidInput("An orthographic picture has no directions to light from", "Capture a panorama for that")
    check_size(linear, maps)
    foregrounds.check(maps, foreground or ())
    title = free_name(scene, f"Seg Backdrop {name}")
    group = _build(title, maps.camera, data_image(f"{title} picture", emitted(linear, scene)), lights)
    group[surfaces.GROUP_MARK] = True
    surfaces.insert(worlds.writable(scene).node_tree, group)
    skipped = [] if foreground is None else foregrounds.hide_the_rest(scene, maps, foreground, group)
    wanted = None if foreground is None else tuple(foreground)
    placement = Placement(title, "backdrop", scene.name, tuple(skipped), wanted, lighting="lit" if lights else "unlit")
    record(scene, placement, group)
    return placement


def _build(name: str, camera: Camera, picture: bpy.types.Image, lights: bool) -> bpy.types.NodeTree:
    """Group with input and output Surface: the picture for camera rays (``lights``: all) inside of its frame, else what
    came in."""
    tree = new_group(name, [("Surface", "NodeSocketShader")], [("Surface", "NodeSocketShader")])
    graph = Graph(tree)
    ends = {node.bl_idname: node for node in tree.nodes}
    where, ahead = _frame(graph, camera)
    colour = graph.node("ShaderNodeTexImage", image=picture, interpolation="Linear", extension="EXTEND")
    graph.put(where, colour.inputs[0])
    light = graph.node("ShaderNodeBackground")
    graph.put(colour.outputs["Color"], light.inputs["Color"])
    x, y, _ = graph.split(where)
    inside = [graph.math(test, axis, edge) for axis in (x, y) for test, edge in _EDGES]
    seen = 1.0 if lights else graph.node("ShaderNodeLightPath").outputs["Is Camera Ray"]
    mix = graph.node("ShaderNodeMixShader")
    surface = ends["NodeGroupInput"].outputs["Surface"]
    for value, socket in zip((graph.all_of(*inside, ahead, seen), surface, light.outputs[0]), mix.inputs, strict=True):
        graph.put(value, socket)
    graph.put(mix.outputs[0], ends["NodeGroupOutput"].inputs["Surface"])
    return tree


_EDGES = (("GREATER_THAN", 0.0), ("LESS_THAN", 1.0))


def _frame(graph: Graph, camera: Camera) -> tuple[bpy.types.NodeSocket, Value]:
    """(place in the picture 0..1, whether it lies before the camera)."""
    coordinates = graph.node("ShaderNodeTexCoord").outputs
    if camera.type == "ORTHO":
        return coordinates["Window"], 1.0
    place = locate(graph, camera, coordinates["Generated"])
    size = (1 / camera.width, 1 / camera.height, 1.0)
    where = graph.vector("MULTIPLY", graph.vector("ADD", place.pixel, (0.5, 0.5, 0.0)), size)
    return where, graph.math("GREATER_THAN", place.nearness, 0.0)
