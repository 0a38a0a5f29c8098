"""Closed shapes for blocked-out scenes, and the few Blender calls that put them in place. Lengths in metres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import bmesh
import bpy

Vector = tuple[float, float, float]
Point = tuple[float, float]

_AXES = {"x": (1, 2, 0), "y": (0, 2, 1), "z": (0, 1, 2)}
"""Where the outline's two numbers and the extrusion go, by the axis of the extrusion."""


def paint(name: str, colour: str, glow: float = 0.0) -> bpy.types.Material:
    """The flat material of this name, made on first use; ``colour`` is sRGB ("#c8b8a4"), ``glow`` emission strength."""
    found = bpy.data.materials.get(name)
    if found is not None:
        return found
    material = bpy.data.materials.new(name)
    _give_nodes(material)
    rgba = linear(colour)
    material.diffuse_color = rgba
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = rgba
    shader.inputs["Roughness"].default_value = 0.85
    shader.inputs["Emission Color"].default_value = rgba
    shader.inputs["Emission Strength"].default_value = glow
    return material


def linear(colour: str) -> tuple[float, float, float, float]:
    """An sRGB colour "#rrggbb" as scene-linear RGBA (Rec. 709 primaries), each 0..1."""
    values = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return red, green, blue, 1.0


class Solid:
    """A mesh in the making: closed parts with a material each. Every method returns the solid itself, to be chained."""

    def __init__(self) -> None:
        self._vertices: list[Vector] = []
        self._faces: list[tuple[int, ...]] = []
        self._slots: list[int] = []
        self._materials: list[bpy.types.Material] = []

    def part(self, vertices: Sequence[Vector], faces: Sequence[Sequence[int]], material: bpy.types.Material) -> Self:
        """Any closed part; faces index ``vertices``, in either winding."""
        if material not in self._materials:
            self._materials.append(material)
        first = len(self._vertices)
        self._vertices.extend(vertices)
        self._faces.extend(tuple(first + corner for corner in face) for face in faces)
        self._slots.extend([self._materials.index(material)] * len(faces))
        return self

    def box(self, low: Vector, high: Vector, material: bpy.types.Material) -> Self:
        """An axis-aligned box between two opposite corners."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        return self.prism([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], z0, z1, material)

    def prism(
        self, outline: Sequence[Point], start: float, end: float, material: bpy.types.Material, axis: str = "z"
    ) -> Self:
        """An outline pulled from ``start`` to ``end`` along an axis; it lies in the other two, in the order x, y, z."""
        first, second, along = _AXES[axis]
        vertices = []
        for level in (start, end):
            for a, b in outline:
                vertex = [0.0, 0.0, 0.0]
                vertex[first], vertex[second], vertex[along] = a, b, level
                vertices.append((vertex[0], vertex[1], vertex[2]))
        return self.part(vertices, _tube_faces(len(outline), 2), material)

    def column(
        self,
        base: Vector,
        height: float,
        radii: tuple[float, float],
        material: bpy.types.Material,
        sides: int = 10,
    ) -> Self:
        """An upright cylinder or cone with its radii at the foot and at the top."""
        rings = [(0.0, radii[0]), (height, max(radii[1], 1e-3))]
        return self._turned(base, rings, (1.0, 1.0), material, sides)

    def ball(
        self, centre: Vector, radii: Vector, material: bpy.types.Material, sides: int = 10, rings: int = 6
    ) -> Self:
        """An ellipsoid with its three radii."""
        angles = [math.pi * (k + 0.5) / rings - math.pi / 2 for k in range(rings)]
        profile = [(math.sin(angle) * radii[2], math.cos(angle)) for angle in angles]
        return self._turned(centre, profile, (radii[0], radii[1]), material, sides)

    def mesh(self, name: str) -> bpy.types.Mesh:
        """The finished mesh, normals outwards."""
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(self._vertices, [], self._faces)
        for material in self._materials:
            mesh.materials.append(material)
        mesh.polygons.foreach_set("material_index", self._slots)
        work = bmesh.new()
        work.from_mesh(mesh)
        bmesh.ops.recalc_face_normals(work, faces=work.faces[:])
        work.to_mesh(mesh)
        work.free()
        return mesh

    def _turned(
        self,
        centre: Vector,
        profile: Sequence[Point],
        stretch: Point,
        material: bpy.types.Material,
        sides: int,
    ) -> Self:
        """A profile of (height, radius) turned about the z axis through ``centre``."""
        vertices = []
        for height, radius in profile:
            for k in range(sides):
                angle = 2 * math.pi * (k + 0.5) / sides
                x, y = math.cos(angle) * radius * stretch[0], math.sin(angle) * radius * stretch[1]
                vertices.append((centre[0] + x, centre[1] + y, centre[2] + height))
        return self.part(vertices, _tube_faces(sides, len(profile)), material)


def loft(sections: Sequence[Sequence[Vector]]) -> tuple[list[Vector], list[Sequence[int]]]:
    """Vertices and faces of a closed body through sections of equally many points each, the ends capped."""
    return [point for section in sections for point in section], _tube_faces(len(sections[0]), len(sections))


def holed_wall(
    width: float, height: float, thickness: float, hole: tuple[float, float, float, float]
) -> tuple[list[Vector], list[Sequence[int]]]:
    """Vertices and faces of an upright wall, x 0..width, y 0..thickness, z 0..height, with a hole (x0, z0, x1, z1)."""
    x0, z0, x1, z1 = hole
    outer = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
    inner = [(x0, z0), (x1, z0), (x1, z1), (x0, z1)]
    vertices = [(x, y, z) for y in (0.0, thickness) for x, z in outer + inner]
    faces: list[Sequence[int]] = []
    for k in range(4):
        after = (k + 1) % 4
        faces.append((k, after, 4 + after, 4 + k))
        faces.append((8 + k, 8 + after, 12 + after, 12 + k))
        faces.append((k, after, 8 + after, 8 + k))
        faces.append((4 + k, 4 + after, 12 + after, 12 + k))
    return vertices, faces


def collection(name: str, parent: bpy.types.Collection) -> bpy.types.Collection:
    """A new collection below ``parent``."""
    made = bpy.data.collections.new(name)
    parent.children.link(made)
    return made


def place(
    into: bpy.types.Collection,
    name: str,
    data: bpy.types.ID | None,
    at: Vector = (0.0, 0.0, 0.0),
    turn: float = 0.0,
    scale: float = 1.0,
) -> bpy.types.Object:
    """A new object of this data (shared where it is given twice), turned about z by degrees."""
    made = bpy.data.objects.new(name, data)
    made.location = at
    made.rotation_euler = (0.0, 0.0, math.radians(turn))
    made.scale = (scale, scale, scale)
    into.objects.link(made)
    return made


def place_collection(
    into: bpy.types.Collection, name: str, source: bpy.types.Collection, at: Vector, turn: float = 0.0
) -> bpy.types.Object:
    """An empty that instances a collection."""
    made = place(into, name, None, at, turn)
    made.instance_type = "COLLECTION"
    made.instance_collection = source
    return made


def hide_kit(scene: bpy.types.Scene, kit: bpy.types.Collection) -> None:
    """Takes the collection of prototypes, a child of the scene's own, out of the view: only its instances show."""
    scene.view_layers[0].layer_collection.children[kit.name].exclude = True


def rope(name: str, points: Sequence[Vector], radius: float, material: bpy.types.Material) -> bpy.types.Curve:
    """A round curve through points."""
    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions = "3D"
    curve.bevel_depth = radius
    curve.bevel_resolution = 1
    spline = curve.splines.new("POLY")
    spline.points.add(len(points) - 1)
    for target, point in zip(spline.points, points, strict=True):
        target.co = (*point, 1.0)
    curve.materials.append(material)
    return curve


def sagging(start: Vector, end: Vector, sag: float, count: int = 13) -> list[Vector]:
    """``count`` points from start to end on a parabola that hangs ``sag`` below the straight line in its middle."""
    points = []
    for k in range(count):
        t = k / (count - 1)
        x, y, z = (a + (b - a) * t for a, b in zip(start, end, strict=True))
        points.append((x, y, z - sag * 4 * t * (1 - t)))
    return points


def lettering(name: str, text: str, size: float, material: bpy.types.Material) -> bpy.types.TextCurve:
    """Raised letters, centred, in Blender's own font."""
    letters = bpy.data.curves.new(name, "FONT")
    letters.body = text
    letters.size = size
    letters.extrude = 0.03
    letters.align_x = "CENTER"
    letters.align_y = "CENTER"
    letters.materials.append(material)
    return letters


def add_camera(scene: bpy.types.Scene, at: Vector, aim: Vector, lens: float) -> bpy.types.Object:
    """The scene's camera, level, at a place and towards a point; ``lens`` in mm on a 36 mm sensor."""
    data = bpy.data.cameras.new("Camera")
    data.lens = lens
    camera = place(scene.collection, "Camera", data, at)
    dx, dy, dz = (b - a for a, b in zip(at, aim, strict=True))
    camera.rotation_euler = (math.pi / 2 + math.atan2(dz, math.hypot(dx, dy)), 0.0, math.atan2(-dx, dy))
    scene.camera = camera
    return camera


def add_sun(scene: bpy.types.Scene, elevation: float, azimuth: float, strength: float) -> bpy.types.Object:
    """A sun that stands at an elevation and azimuth (degrees; azimuth from +x towards +y); strength in W/m²."""
    data = bpy.data.lights.new("Sun", "SUN")
    data.energy = strength
    data.angle = math.radians(1.0)
    data.color = (1.0, 0.93, 0.82)
    sun = place(scene.collection, "Sun", data, (0.0, 0.0, 30.0))
    sun.rotation_euler = (math.radians(90 - elevation), 0.0, math.radians(azimuth + 90))
    return sun


def add_world(scene: bpy.types.Scene, colour: str, strength: float) -> bpy.types.World:
    """An evenly lit sky."""
    world = bpy.data.worlds.new("World")
    _give_nodes(world)
    background = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = linear(colour)
    background.inputs["Strength"].default_value = strength
    scene.world = world
    return world


def _give_nodes(owner: bpy.types.Material | bpy.types.World) -> None:
    """The default nodes. From 5.0 on they are always there, and asking ``use_nodes`` warns."""
    if owner.node_tree is None:
        owner.use_nodes = True


def _tube_faces(around: int, rings: int) -> list[Sequence[int]]:
    """Faces of a closed tube: ``rings`` rings of ``around`` vertices each, and a cap at both ends."""
    faces: list[Sequence[int]] = [tuple(range(around)), tuple(range((rings - 1) * around, rings * around))]
    for ring in range(rings - 1):
        for k in range(around):
            after = (k + 1) % around
            faces.append(
                (
                    ring * around + k,
                    ring * around + after,
                    (ring + 1) * around + after,
                    (ring + 1) * around + k,
                )
            )
    return faces
