"""The meshes of the example street. Each stands on z = 0 at its origin and faces +x, metres."""

from __future__ import annotations

import math

import bpy

from .blockout import Solid, Vector, loft, paint

WALLS = {"cream": "#d8c7a4", "rose": "#c98f83", "sage": "#97ab88", "blue": "#829fb8", "ochre": "#cda35c"}


def house(name: str, colour: str, width: float, depth: float, eaves: float, ridge: float) -> bpy.types.Mesh:
    """A house with its gable to the front (x = 0), going back to x = -depth; width along y."""
    wall, roof, stone = (
        paint(f"Plaster_{colour}", WALLS[colour]),
        paint("Roof_Tiles", "#9a5f50"),
        paint("Stone", "#9a9892"),
    )
    half, over, thick = width / 2, 0.3, 0.16
    slope = (ridge - eaves) / half
    low = eaves - over * slope
    solid = Solid()
    gable = [(-half, -0.3), (half, -0.3), (half, eaves), (0.0, ridge), (-half, eaves)]
    solid.prism(gable, -depth, 0.0, wall, "x")
    # The underside of the roof lies 4 cm inside the gable, so that the two never share a plane.
    under = [(-half - over, low - 0.04), (0.0, ridge - 0.04), (half + over, low - 0.04)]
    solid.prism([*under, *((y, z + thick) for y, z in reversed(under))], -depth - 0.2, 0.28, roof, "x")
    solid.box((-depth + 0.1, -half - 0.05, -0.25), (0.06, half + 0.05, 0.55), stone)
    chimney = (-depth * 0.45, half * 0.45)
    solid.box((chimney[0] - 0.35, chimney[1] - 0.3, eaves), (chimney[0] + 0.35, chimney[1] + 0.3, ridge + 0.55), stone)
    solid.box(
        (chimney[0] - 0.42, chimney[1] - 0.37, ridge + 0.5), (chimney[0] + 0.42, chimney[1] + 0.37, ridge + 0.68), roof
    )
    return solid.mesh(name)


def warehouse(name: str, width: float, depth: float, height: float) -> bpy.types.Mesh:
    """A long shed with a low roof, its long side to the front."""
    wall, roof = paint("Planks_Grey", "#b3aca0"), paint("Roof_Slate", "#7d828a")
    solid = Solid().box((-depth, -width / 2, -0.3), (0.0, width / 2, height), wall)
    under = [(-depth - 0.4, height - 0.25), (-depth / 2, height + 2.2), (0.4, height - 0.25)]
    solid.prism([*under, *((x, z + 0.2) for x, z in reversed(under))], -width / 2 - 0.3, width / 2 + 0.3, roof, "y")
    # The gables below the roof stand 2 cm back from the walls' ends.
    solid.prism(
        [(-depth + 0.2, height - 0.3), (-depth / 2, height + 2.25), (-0.2, height - 0.3)],
        -width / 2 + 0.02,
        width / 2 - 0.02,
        wall,
        "y",
    )
    return solid.mesh(name)


def church_tower(name: str) -> bpy.types.Mesh:
    """A square tower with a pyramid roof and belfry openings."""
    stone, roof, dark = paint("Stone_Light", "#c3bcae"), paint("Roof_Slate", "#7d828a"), paint("Opening", "#6b7078")
    solid = Solid().box((-2.5, -2.5, -2.0), (2.5, 2.5, 17.0), stone).box((-2.8, -2.8, 16.2), (2.8, 2.8, 16.8), stone)
    corners = [(-2.9, -2.9, 17.0), (2.9, -2.9, 17.0), (2.9, 2.9, 17.0), (-2.9, 2.9, 17.0), (0.0, 0.0, 25.0)]
    solid.part(corners, [(0, 1, 2, 3), (0, 1, 4), (1, 2, 4), (2, 3, 4), (3, 0, 4)], roof)
    return (
        solid.box((-0.7, -2.56, 12.0), (0.7, -2.2, 15.0), dark)
        .box((2.2, -0.7, 12.0), (2.56, 0.7, 15.0), dark)
        .mesh(name)
    )


def lighthouse(name: str) -> bpy.types.Mesh:
    """A tapering tower with a red band, a gallery and a lantern."""
    white, red, glass = paint("White", "#dedbd3"), paint("Red_Pastel", "#b65c4e"), paint("Glass", "#86a0ab")
    solid = Solid().column((0, 0, -3), 11.0, (2.3, 1.5), white, 14).column((0, 0, 3.2), 2.2, (1.96, 1.74), red, 14)
    solid.column((0, 0, 7.95), 0.35, (1.9, 1.9), red, 14).column((0, 0, 8.2), 1.9, (1.0, 1.0), glass, 10)
    return solid.column((0, 0, 10.0), 1.3, (1.35, 0.05), red, 14).mesh(name)


def window(name: str, width: float, height: float, shutters: str = "") -> bpy.types.Mesh:
    """A framed window that stands 8 cm out of the wall and reaches 6 cm into it; with shutters of a colour if given."""
    frame, glass = paint("Frame_White", "#dedbd3"), paint("Glass", "#86a0ab")
    half, bar = width / 2, 0.09
    solid = Solid().box((-0.06, -half + 0.02, 0.02), (0.02, half - 0.02, height - 0.02), glass)
    for side in (-1, 1):
        edge = side * half
        solid.box((-0.05, min(edge, edge - side * bar), 0.0), (0.08, max(edge, edge - side * bar), height), frame)
    for z in (0.0, height * 0.62, height - bar):
        solid.box((-0.05, -half + 0.05, z + 0.01), (0.065, half - 0.05, z + bar - 0.01), frame)
    solid.box((-0.05, -0.03, 0.05), (0.05, 0.03, height - 0.05), frame)
    solid.box((-0.05, -half - 0.08, -0.1), (0.16, half + 0.08, 0.005), frame)
    if shutters:
        board = paint(f"Shutter_{shutters}", WALLS.get(shutters, "#8f9f8a"))
        for side in (-1, 1):
            near, far = side * (half + 0.03), side * (half + 0.03 + width * 0.42)
            solid.box((-0.04, min(near, far), 0.0), (0.06, max(near, far), height), board)
    return solid.mesh(name)


def door(name: str, colour: str) -> bpy.types.Mesh:
    """A panelled door in a frame, with a step in front."""
    frame, leaf = paint("Frame_White", "#dedbd3"), paint(name, colour)
    solid = Solid().box((-0.06, -0.5, 0.0), (0.04, 0.5, 2.12), leaf)
    for z in (0.25, 1.15):
        solid.box((-0.02, -0.34, z), (0.07, 0.34, z + 0.7), leaf)
    solid.box((-0.05, -0.62, 0.0), (0.1, -0.49, 2.2), frame).box((-0.05, 0.49, 0.0), (0.1, 0.62, 2.2), frame)
    return solid.box((-0.05, -0.66, 2.1), (0.14, 0.66, 2.28), frame).mesh(name)


def awning(name: str, width: float, stripes: tuple[str, str], count: int = 7) -> bpy.types.Mesh:
    """A striped sunshade that slopes down to the front, its upper edge at z = 0."""
    cloth = [paint(f"Cloth_{name}_{k}", colour) for k, colour in enumerate(stripes)]
    profile = [(-0.05, -0.1), (1.45, -0.62), (1.45, -0.86), (1.5, -0.86), (1.5, -0.56), (-0.05, -0.02)]
    solid, step = Solid(), width / count
    for k in range(count):
        start = -width / 2 + k * step
        solid.prism(profile, start, start + step, cloth[k % 2], "y")
    return solid.mesh(name)


def car(name: str, colour: str, tall: bool = False) -> bpy.types.Mesh:
    """A car along y (front at +y), or a delivery van where ``tall``."""
    body, glass = paint(f"Paint_{colour}", colour), paint("Car_Glass", "#56616a")
    tyre, hub, lamp = paint("Tyre", "#4a4a4c"), paint("Hub", "#b9b9b6"), paint("Lamp_White", "#e6e2d6")
    top = 2.25 if tall else 1.45
    solid = Solid()
    lower = [(-2.05, 0.3), (2.05, 0.3), (2.12, 0.62), (1.95, 0.86), (-2.0, 0.94), (-2.12, 0.6)]
    solid.prism(lower, -0.86, 0.86, body, "x")
    back = -1.95 if tall else -1.6
    cabin = [(back, 0.8), (1.15, 0.8), (0.55, top - 0.06), (back + 0.12, top - 0.06)]
    solid.prism(cabin, -0.74, 0.74, body if tall else glass, "x")
    roof = [(back + 0.1, top - 0.1), (0.6, top - 0.1), (0.45, top), (back + 0.3, top)]
    solid.prism(roof, -0.78, 0.78, body, "x")
    if tall:
        solid.prism([(0.1, 1.15), (1.02, 1.15), (0.62, top - 0.3), (0.1, top - 0.3)], -0.76, 0.76, glass, "x")
    else:
        for y in (back + 0.35, -0.3):
            solid.prism(
                [(y - 0.06, 0.8), (y + 0.06, 0.8), (y + 0.06, top - 0.08), (y - 0.06, top - 0.08)],
                -0.76,
                0.76,
                body,
                "x",
            )
    for y in (-1.3, 1.3):
        for side in (-1, 1):
            _wheel(solid, side * 0.78, y, tyre, hub)
    for side in (-1, 1):
        solid.box((side * 0.6 - 0.16, 1.9, 0.6), (side * 0.6 + 0.16, 2.14, 0.74), lamp)
    return solid.mesh(name)


def _wheel(solid: Solid, x: float, y: float, tyre: bpy.types.Material, hub: bpy.types.Material) -> None:
    """A wheel in the y–z plane, its axle at (x, y)."""
    rim = [(y + 0.34 * math.cos(k * math.pi / 6), 0.34 + 0.34 * math.sin(k * math.pi / 6) - 0.01) for k in range(12)]
    cap = [(y + 0.19 * math.cos(k * math.pi / 4), 0.33 + 0.19 * math.sin(k * math.pi / 4)) for k in range(8)]
    solid.prism(rim, x - 0.12, x + 0.12, tyre, "x").prism(cap, x - 0.14, x + 0.14, hub, "x")


def hull(solid: Solid, length: float, beam: float, freeboard: float, side: bpy.types.Material) -> Solid:
    """A boat's body along y (bow at +y), 0.4 m below the water line (z = 0) and ``freeboard`` above it."""
    body: list[list[Vector]] = []
    deck: list[list[Vector]] = []
    for t, wide, rise in ((0, 0.78, 0.1), (0.3, 1, 0), (0.6, 0.92, 0.06), (0.82, 0.58, 0.2), (1, 0.04, 0.42)):
        y, half, sheer = (t - 0.5) * length, beam / 2 * wide, freeboard * (1 + rise)
        keel = -0.4 + 0.25 * t
        body.append([(-half, y, sheer), (half, y, sheer), (half * 0.72, y, keel), (-half * 0.72, y, keel)])
        inner, along = half * 0.84, y * 0.95
        deck.append([(x, along, sheer + z) for x, z in ((-inner, 0.04), (inner, 0.04), (inner, -0.1), (-inner, -0.1))])
    return solid.part(*loft(body), side).part(*loft(deck), paint("Wood_Light", "#c2ab8b"))


def fishing_boat(name: str) -> bpy.types.Mesh:
    """A small trawler: hull with a light rail, wheelhouse, mast and derrick."""
    blue, white, glass = paint("Hull_Blue", "#537a9b"), paint("White", "#dedbd3"), paint("Glass", "#86a0ab")
    wood, red = paint("Wood", "#9c7d58"), paint("Red_Pastel", "#b65c4e")
    solid = hull(Solid(), 7.6, 2.7, 0.95, blue)
    solid.box((-0.85, -2.3, 0.8), (0.85, -0.3, 2.7), white).box((-1.0, -2.45, 2.66), (1.0, -0.1, 2.84), red)
    solid.box((-0.7, -0.4, 1.75), (0.7, -0.26, 2.4), glass).box((-0.89, -2.0, 1.75), (0.89, -0.7, 2.4), glass)
    solid.column((0, 0.9, 0.8), 4.4, (0.09, 0.05), wood, 8).box((-0.55, 0.2, 0.85), (0.55, 1.7, 1.3), wood)
    return solid.part(*loft(_beam((0, 0.9, 2.0), (0, 3.2, 3.6), 0.05)), wood).mesh(name)


def sailboat(name: str, hoisted: bool = False) -> bpy.types.Mesh:
    """A sloop with a mast and a boom; the sails furled, or set where ``hoisted``."""
    white, wood, cloth = paint("White", "#dedbd3"), paint("Wood", "#9c7d58"), paint("Sailcloth", "#e9e2d0")
    solid = hull(Solid(), 6.4, 2.1, 0.7, white).box((-0.6, -1.1, 0.6), (0.6, 1.2, 1.05), wood)
    solid.column((0, 0.7, 0.6), 7.6, (0.07, 0.04), wood, 8).part(
        *loft(_beam((0, 0.7, 1.5), (0, -2.4, 1.55), 0.05)), wood
    )
    if hoisted:
        solid.prism([(0.55, 1.7), (-2.3, 1.75), (0.55, 7.9)], -0.02, 0.02, cloth, "x")
        return solid.prism([(0.85, 6.9), (0.95, 1.3), (3.0, 1.0)], -0.02, 0.02, cloth, "x").mesh(name)
    return solid.ball((0, -0.85, 1.66), (0.14, 1.4, 0.13), cloth, 8, 6).mesh(name)


def rowboat(name: str) -> bpy.types.Mesh:
    """A dinghy with two thwarts."""
    red, wood = paint("Red_Pastel", "#b65c4e"), paint("Wood", "#9c7d58")
    solid = hull(Solid(), 3.2, 1.3, 0.4, red)
    return (
        solid.box((-0.6, -0.7, 0.3), (0.6, -0.4, 0.5), wood).box((-0.55, 0.3, 0.3), (0.55, 0.55, 0.5), wood).mesh(name)
    )


def _beam(start: Vector, end: Vector, radius: float) -> list[list[Vector]]:
    """The two square ends of a spar that runs mostly along y."""
    return [
        [
            (x - radius, y, z - radius),
            (x + radius, y, z - radius),
            (x + radius, y, z + radius),
            (x - radius, y, z + radius),
        ]
        for x, y, z in (start, end)
    ]


def person(name: str, coat: str, trousers: str) -> bpy.types.Mesh:
    """A standing figure, 1.74 m."""
    cloth, legs, skin = paint(f"Coat_{coat}", coat), paint(f"Trousers_{trousers}", trousers), paint("Skin", "#d2b09a")
    solid = (
        Solid()
        .column((0.04, -0.1, -0.02), 0.9, (0.075, 0.1), legs, 8)
        .column((-0.06, 0.1, -0.02), 0.9, (0.075, 0.1), legs, 8)
    )
    solid.ball((0, 0, 1.13), (0.16, 0.23, 0.4), cloth, 10, 7)
    for side in (-1, 1):
        solid.column((0.02, side * 0.27, 0.78), 0.62, (0.05, 0.07), cloth, 7)
    solid.column((0, 0, 1.42), 0.14, (0.06, 0.055), skin, 8)
    return solid.ball((0.01, 0, 1.63), (0.105, 0.09, 0.125), skin, 10, 7).mesh(name)


def leafy_tree(name: str) -> bpy.types.Mesh:
    """A round tree, 5.4 m."""
    bark, leaves = paint("Bark", "#8a7765"), paint("Leaves", "#7f9c66")
    solid = Solid().column((0, 0, -0.4), 2.9, (0.19, 0.11), bark, 8)
    solid.ball((0, 0, 3.6), (1.45, 1.45, 1.35), leaves, 11, 8).ball((0.75, 0.35, 3.05), (0.95, 0.9, 0.8), leaves, 9, 6)
    return (
        solid.ball((-0.6, -0.5, 3.2), (1.0, 0.95, 0.85), leaves, 9, 6)
        .ball((0.1, 0.2, 4.5), (0.95, 0.95, 0.9), leaves, 9, 6)
        .mesh(name)
    )


def pine_tree(name: str) -> bpy.types.Mesh:
    """A conifer of three cones, 6.2 m."""
    bark, needles = paint("Bark", "#8a7765"), paint("Needles", "#64836a")
    solid = Solid().column((0, 0, -0.4), 1.8, (0.2, 0.15), bark, 7)
    for base, height, radius in ((1.0, 2.6, 1.6), (2.4, 2.2, 1.25), (3.8, 2.4, 0.9)):
        solid.column((0, 0, base), height, (radius, 0.05), needles, 9)
    return solid.mesh(name)


def bench(name: str) -> bpy.types.Mesh:
    """A slatted bench, 1.8 m along y, its back at -x."""
    wood, iron = paint("Wood", "#9c7d58"), paint("Iron", "#62666b")
    solid = Solid()
    for x in (-0.18, 0.0, 0.18):
        solid.box((x - 0.075, -0.9, 0.43), (x + 0.075, 0.9, 0.48), wood)
    for z in (0.62, 0.8):
        solid.box((-0.33, -0.9, z), (-0.28, 0.9, z + 0.12), wood)
    for y in (-0.7, 0.7):
        solid.box((-0.27, y - 0.03, -0.02), (0.22, y + 0.03, 0.44), iron).box(
            (-0.29, y - 0.025, 0.3), (-0.25, y + 0.025, 0.9), iron
        )
    return solid.mesh(name)


def barrel(name: str) -> bpy.types.Mesh:
    """A cask with two hoops, 0.9 m."""
    wood, iron = paint("Wood", "#9c7d58"), paint("Iron", "#62666b")
    solid = (
        Solid().column((0, 0, -0.02), 0.47, (0.27, 0.34), wood, 12).column((0, 0, 0.44), 0.46, (0.34, 0.27), wood, 12)
    )
    return (
        solid.column((0, 0, 0.2), 0.06, (0.325, 0.333), iron, 12)
        .column((0, 0, 0.64), 0.06, (0.333, 0.325), iron, 12)
        .mesh(name)
    )


def crate(name: str) -> bpy.types.Mesh:
    """A wooden box with corner battens, 0.6 m."""
    wood, light = paint("Wood", "#9c7d58"), paint("Wood_Light", "#c2ab8b")
    solid = Solid().box((-0.27, -0.27, -0.02), (0.27, 0.27, 0.57), light)
    for x in (-1, 1):
        for y in (-1, 1):
            solid.box((x * 0.25 - 0.05, y * 0.25 - 0.05, -0.03), (x * 0.25 + 0.05, y * 0.25 + 0.05, 0.6), wood)
    return solid.mesh(name)


def bollard(name: str) -> bpy.types.Mesh:
    """An iron mooring post."""
    iron = paint("Iron", "#62666b")
    return (
        Solid()
        .column((0, 0, -0.03), 0.5, (0.15, 0.12), iron, 10)
        .ball((0, 0, 0.5), (0.2, 0.2, 0.1), iron, 10, 6)
        .mesh(name)
    )


def planter(name: str) -> bpy.types.Mesh:
    """A tub with a flowering shrub."""
    tub, leaves, bloom = paint("Roof_Tiles", "#9a5f50"), paint("Leaves", "#7f9c66"), paint("Bloom", "#d6a6ac")
    solid = (
        Solid().column((0, 0, -0.02), 0.5, (0.24, 0.32), tub, 10).ball((0, 0, 0.72), (0.38, 0.38, 0.34), leaves, 10, 6)
    )
    for k in range(5):
        angle = k * 2.4
        solid.ball((0.3 * math.cos(angle), 0.3 * math.sin(angle), 0.78 + 0.04 * k), (0.09, 0.09, 0.08), bloom, 6, 4)
    return solid.mesh(name)
