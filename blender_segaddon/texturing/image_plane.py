"""A picture on a plane across the view, and a picture for the compositor."""

from __future__ import annotations

import bpy
import numpy as np

from ..core.camera import Camera
from ..core.maps import SceneMaps
from ..protocol.errors import InvalidInput
from . import surfaces
from .colour import emitted
from .graph import Graph, new_group
from .images import data_image
from .placement import Placement, free_name, record
from .planes import PLANE
from .projection import check_size

_BEHIND = 1.02
"""How far behind the farthest point that was seen the plane stands, as a factor of its depth."""
_EMPTY = 10.0
"""scene units; depth of the plane where the camera saw nothing"""
_CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))


def image_plane(
    scene: bpy.types.Scene, linear: np.ndarray, maps: SceneMaps, depth: float | None = None, *, name: str = "Picture"
) -> Placement:
    """Put a picture on a plane that fills the frame of the camera of ``maps``; cameras alone see it.

    Args:
        linear: float32 H×W×3, scene-linear, of the maps' size.
        depth: along the camera's axis, scene units; None: just behind all that was seen.
    Raises:
        InvalidInput: wrong size, a panorama, a depth that is not positive.
    """
    check_size(linear, maps)
    if maps.camera.type == "PANO":
        raise InvalidInput("A panorama does not fit on a plane", "Use it as a backdrop")
    if depth is not None and not (np.isfinite(depth) and depth > 0):
        raise InvalidInput(f"A plane cannot stand at depth {depth}", "Choose a distance from the camera above 0")
    title = free_name(scene, f"Seg Plane {name}")
    group = _emitting(title, data_image(f"{title} picture", emitted(linear, scene)))
    scene.collection.objects.link(_plane(title, maps.camera, _behind(maps) if depth is None else float(depth), group))
    placement = Placement(title, "plane", scene.name)
    record(scene, placement, group)
    return placement


def compositor_input(scene: bpy.types.Scene, linear: np.ndarray, *, name: str = "Picture") -> bpy.types.Node:
    """A new image node in the compositor of a scene (which gets one if it has none), with scene-linear light."""
    tree = compositor(scene)
    node = tree.nodes.new("CompositorNodeImage")
    node.image = data_image(f"Seg {name} light", linear)
    node.label = node.name = f"Seg {name}"
    node.location = (-400, 300)
    return node


def compositor(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    """The compositor of a scene, which gets one if it has none."""
    if bpy.app.version < (5, 0):
        scene.use_nodes = True
        return scene.node_tree
    if scene.compositing_node_group is None:
        scene.compositing_node_group = bpy.data.node_groups.new("Compositor", "CompositorNodeTree")
    return scene.compositing_node_group


def _behind(maps: SceneMaps) -> float:
    seen = maps.depth[np.isfinite(maps.depth)]
    return float(seen.max()) * _BEHIND if seen.size else _EMPTY


def _emitting(name: str, picture: bpy.types.Image) -> bpy.types.NodeTree:
    tree = new_group(name, [], [("Surface", "NodeSocketShader")])
    tree[surfaces.GROUP_MARK] = True
    graph = Graph(tree)
    image = graph.node("ShaderNodeTexImage", image=picture, interpolation="Linear", extension="EXTEND")
    graph.put(graph.node("ShaderNodeTexCoord").outputs["UV"], image.inputs[0])
    light = graph.node("ShaderNodeEmission")
    graph.put(image.outputs["Color"], light.inputs["Color"])
    target = next(node for node in tree.nodes if node.bl_idname == "NodeGroupOutput")
    graph.put(light.outputs[0], target.inputs["Surface"])
    return tree


def _plane(name: str, camera: Camera, depth: float, group: bpy.types.NodeTree) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([_corner(camera, x, y, depth) for x, y in _CORNERS], [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="UVMap")
    for loop, (x, y) in zip(layer.data, _CORNERS, strict=True):
        loop.uv = ((x + 1) / 2, (y + 1) / 2)
    mesh.materials.append(_material(name, group))
    one = bpy.data.objects.new(name, mesh)
    one[PLANE] = group
    for ray in ("diffuse", "glossy", "transmission", "volume_scatter", "shadow"):
        setattr(one, f"visible_{ray}", False)
    return one


def _corner(camera: Camera, x: float, y: float, depth: float) -> tuple[float, ...]:
    """Scene-space point at -1..1 of the frame, ``depth`` away."""
    p = camera.projection_matrix
    if camera.type == "ORTHO":
        view = np.array([(x - p[0, 3]) / p[0, 0], (y - p[1, 3]) / p[1, 1], -depth])
    else:
        view = np.array([(x + p[0, 2]) / p[0, 0], (y + p[1, 2]) / p[1, 1], -1.0]) * depth
    return tuple((camera.matrix_world[:3, :3] @ view + camera.matrix_world[:3, 3]).tolist())


def _material(name: str, group: bpy.types.NodeTree) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    node, output = tree.nodes.new("ShaderNodeGroup"), tree.nodes.new("ShaderNodeOutputMaterial")
    node.node_tree = group
    output.location = (300, 0)
    tree.links.new(node.outputs["Surface"], output.inputs["Surface"])
    material.cycles.emission_sampling = "NONE"
    return material
