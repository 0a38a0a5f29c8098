"""The meshes of the example room. Furniture stands on z = 0 and faces +x; what hangs has its back at x = 0. Metres."""

from __future__ import annotations

import math

import bpy

from .blockout import Solid, loft, paint


def door(name: str) -> bpy.types.Mesh:
    """An inner door with frame and handle, its back 3 cm inside the wall."""
    leaf, frame, brass = paint("Door_Paint", "#cfc8ba"), paint("Frame_White", "#e4e1da"), paint("Brass", "#a08a5f")
    solid = Solid().box((-0.03, -0.42, 0.0), (0.03, 0.42, 2.04), leaf)
    for z0, z1 in ((0.18, 0.92), (1.08, 1.88)):
        solid.box((-0.015, -0.28, z0), (0.045, 0.28, z1), leaf)
    for y in (-0.5, 0.42):
        solid.box((-0.025, y - 0.005, -0.01), (0.06, y + 0.085, 2.06), frame)
    solid.box((-0.02, -0.53, 2.04), (0.07, 0.53, 2.15), frame)
    return solid.box((0.02, 0.28, 1.0), (0.09, 0.37, 1.03), brass).mesh(name)


def window_frame(name: str, width: float, height: float) -> bpy.types.Mesh:
    """A casement of three lights with a sill, in the middle of the wall's depth."""
    white = paint("Frame_White", "#e4e1da")
    half, bar = width / 2, 0.07
    solid = Solid()
    for y in (-half - 0.01, -half / 3 - bar / 2, half / 3 - bar / 2, half + 0.01 - bar):
        solid.box((-0.05, y, -0.01), (0.05, y + bar, height + 0.01), white)
    for z in (-0.005, height * 0.7, height + 0.005 - bar):
        solid.box((-0.04, -half + 0.01, z), (0.04, half - 0.01, z + bar), white)
    return solid.box((0.03, -half - 0.06, -0.035), (0.2, half + 0.06, 0.012), white).mesh(name)


def curtain(name: str, width: float, height: float) -> bpy.types.Mesh:
    """A hanging cloth with folds, along y."""
    count = 32
    waves = [((k / count - 0.5) * width, 0.035 * math.sin(k * math.pi / 2.6)) for k in range(count + 1)]
    sections = [[(x, y, 0.0), (x + 0.02, y, 0.0), (x + 0.02, y, height), (x, y, height)] for y, x in waves]
    return Solid().part(*loft(sections), paint("Linen", "#cdbfae")).mesh(name)


def sofa(name: str, width: float, colour: str) -> bpy.types.Mesh:
    """A sofa or armchair: seat cushions, back cushions, arms, feet; the seat looks to +x."""
    cloth, wood = paint(f"Fabric_{name}", colour), paint("Oak_Dark", "#85694c")
    half, arm = width / 2, 0.18
    solid = Solid().box((-0.44, -half + 0.02, 0.12), (0.4, half - 0.02, 0.3), cloth)
    count = max(1, round((width - 2 * arm) / 0.8))
    step = (width - 2 * arm) / count
    for k in range(count):
        y0 = -half + arm + k * step + 0.012
        solid.box((-0.3, y0, 0.29), (0.44, y0 + step - 0.024, 0.46), cloth)
        back = [(-0.36, 0.44), (-0.14, 0.44), (-0.24, 0.88), (-0.38, 0.88)]
        solid.prism(back, y0 + 0.01, y0 + step - 0.034, cloth, "y")
    solid.prism([(-0.48, 0.13), (-0.3, 0.13), (-0.36, 0.8), (-0.5, 0.8)], -half + 0.03, half - 0.03, cloth, "y")
    for side in (-1, 1):
        low, high = sorted((side * half, side * (half - arm)))
        solid.prism([(-0.46, 0.11), (0.42, 0.11), (0.42, 0.58), (0.36, 0.62), (-0.47, 0.62)], low, high, cloth, "y")
        for x in (-0.4, 0.34):
            solid.column((x, side * (half - 0.1), 0.0), 0.13, (0.022, 0.03), wood, 8)
    return solid.mesh(name)


def cushion(name: str, colour: str) -> bpy.types.Mesh:
    """A square cushion that leans back."""
    return Solid().ball((0, 0, 0), (0.1, 0.24, 0.22), paint(f"Fabric_{name}", colour), 8, 6).mesh(name)


def table(name: str, length: float, width: float) -> bpy.types.Mesh:
    """A dining table along x, 0.745 m."""
    top, leg = paint("Oak", "#a88a66"), paint("Oak_Dark", "#85694c")
    solid = Solid().box((-length / 2, -width / 2, 0.705), (length / 2, width / 2, 0.744), top)
    solid.box((-length / 2 + 0.1, -width / 2 + 0.08, 0.63), (length / 2 - 0.1, width / 2 - 0.08, 0.71), leg)
    for x in (-1, 1):
        for y in (-1, 1):
            solid.column((x * (length / 2 - 0.1), y * (width / 2 - 0.09), 0.0), 0.71, (0.024, 0.036), leg, 10)
    return solid.mesh(name)


def chair(name: str) -> bpy.types.Mesh:
    """A dining chair; the sitter looks to +x."""
    seat, leg = paint("Fabric_Chair", "#b3a58f"), paint("Oak_Dark", "#85694c")
    solid = Solid().box((-0.21, -0.22, 0.43), (0.22, 0.22, 0.48), seat)
    for y in (-0.19, 0.19):
        solid.column((0.18, y, 0.0), 0.44, (0.016, 0.022), leg, 8)
        solid.prism(
            [(-0.22, 0.0), (-0.19, 0.0), (-0.17, 0.46), (-0.25, 0.9), (-0.28, 0.9), (-0.21, 0.46)],
            y - 0.018,
            y + 0.018,
            leg,
            "y",
        )
    back = [(-0.225, 0.6), (-0.205, 0.6), (-0.25, 0.86), (-0.27, 0.86)]
    return solid.prism(back, -0.18, 0.18, seat, "y").mesh(name)


def floor_lamp(name: str) -> bpy.types.Mesh:
    """A standing lamp with a cone shade, 1.7 m."""
    iron, shade = paint("Brass", "#a08a5f"), paint("Lamp_Linen", "#e3d6ba", 0.35)
    solid = (
        Solid().column((0, 0, 0.0), 0.03, (0.16, 0.15), iron, 18).column((0, 0, 0.02), 1.45, (0.014, 0.014), iron, 8)
    )
    return solid.column((0, 0, 1.34), 0.34, (0.25, 0.14), shade, 20).mesh(name)


def vase(name: str) -> bpy.types.Mesh:
    """A vase with three dry twigs and their heads."""
    clay, bloom = paint("Clay", "#a6806b"), paint("Bloom", "#d4b0a2")
    solid = (
        Solid().column((0, 0, 0.0), 0.1, (0.05, 0.075), clay, 14).column((0, 0, 0.095), 0.1, (0.075, 0.032), clay, 14)
    )
    for x, y, z in ((0.05, 0.02, 0.36), (-0.05, 0.03, 0.32), (0.0, -0.05, 0.4)):
        solid.column((x * 0.6, y * 0.6, 0.18), z - 0.18, (0.006, 0.006), paint("Oak_Dark", "#85694c"), 5)
        solid.ball((x * 0.6, y * 0.6, z), (0.035, 0.035, 0.045), bloom, 7, 5)
    return solid.mesh(name)


def bookshelf(name: str) -> bpy.types.Mesh:
    """A shelf of five boards along y against the wall, 2.2 m."""
    wood = paint("Oak", "#a88a66")
    solid = Solid()
    for y in (-0.5, 0.46):
        solid.box((0.0, y, 0.0), (0.3, y + 0.04, 2.22), wood)
    for k in range(6):
        z = 0.07 + 0.42 * k
        solid.box((0.01, -0.49, z), (0.29, 0.49, z + 0.034), wood)
    return solid.box((0.004, -0.48, 0.05), (0.02, 0.48, 2.19), paint("Oak_Dark", "#85694c")).mesh(name)


def cabinet(name: str) -> bpy.types.Mesh:
    """A sideboard on legs with three doors, 0.72 m."""
    wood, front = paint("Oak", "#a88a66"), paint("Front_Sage", "#9dab9c")
    solid = Solid().box((0.0, -0.75, 0.16), (0.4, 0.75, 0.72), wood)
    for k in range(3):
        y = -0.72 + 0.485 * k
        solid.box((0.38, y, 0.19), (0.415, y + 0.47, 0.69), front)
    for x in (0.05, 0.35):
        for y in (-0.68, 0.68):
            solid.column((x, y, 0.0), 0.18, (0.015, 0.024), wood, 8)
    return solid.mesh(name)


def painting(name: str, width: float, height: float) -> bpy.types.Mesh:
    """A framed picture of two hills under a sky (a mirror: of one tone), its lower edge at z = 0."""
    frame = paint("Oak_Dark", "#85694c")
    half, bar = width / 2, 0.035
    solid = Solid().box(
        (-0.02, -half + 0.01, 0.01), (0.012, half - 0.01, height - 0.01), paint(f"Canvas_{name}", "#cfd6d8")
    )
    for y in (-half, half - bar):
        solid.box((-0.025, y, 0.0), (0.035, y + bar, height), frame)
    for z in (0.004, height - bar - 0.004):
        solid.box((-0.02, -half + 0.01, z), (0.03, half - 0.01, z + bar), frame)
    if name.startswith("Mirror"):
        return solid.mesh(name)
    for peak, top, depth, colour in ((0.25, 0.62, 0.016, "#a3b3b0"), (-0.2, 0.45, 0.02, "#c0a184")):
        outline = [
            (-half + 0.03, 0.03),
            (half - 0.03, 0.03),
            (half - 0.03, height * top * 0.5),
            (peak * width, height * top),
        ]
        outline.append((-half + 0.03, height * top * 0.55))
        solid.prism(outline, -0.015, depth, paint(f"Canvas_{colour}", colour), "x")
    return solid.mesh(name)


def pot_plant(name: str) -> bpy.types.Mesh:
    """A potted plant with a stem and leaf balls, 1.45 m."""
    pot, earth, leaves = paint("Ceramic", "#d9d2c2"), paint("Bark", "#7d6b5a"), paint("Leaves", "#8ba37d")
    solid = Solid().column((0, 0, 0.0), 0.36, (0.16, 0.21), pot, 16).column((0, 0, 0.3), 0.5, (0.025, 0.02), earth, 7)
    for k in range(7):
        angle, z = k * 2.4, 0.72 + 0.1 * k
        reach = 0.22 - 0.025 * k
        solid.ball((reach * math.cos(angle), reach * math.sin(angle), z), (0.19, 0.17, 0.13), leaves, 8, 5)
    return solid.mesh(name)
