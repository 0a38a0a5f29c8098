"""The example street: gabled houses along a quay, boats in the harbour, a wooded hill behind. Metres, y to the back."""

from __future__ import annotations

import math

import bpy

from . import street_parts as parts
from .blockout import (
    Solid,
    add_camera,
    add_sun,
    add_world,
    collection,
    hide_kit,
    lettering,
    loft,
    paint,
    place,
    place_collection,
    rope,
    sagging,
)
from .scatter import scatter

FRONT = -7.0
"""x of the house fronts"""
PAVED = 0.15
"""z of sidewalk and promenade; the road is 0"""
QUAY = 6.6
"""x of the quay's edge"""
SEA = -1.3
"""z of the water"""

HOUSES = (
    # name, colour, y of the middle, width, depth, eaves, ridge, floors
    ("House.Left", "cream", -2.8, 6.0, 9.0, 6.0, 9.0, 2),
    ("House.Middle", "rose", 3.7, 5.6, 9.0, 7.2, 10.2, 2),
    ("House_03", "sage", 9.9, 5.4, 9.0, 5.6, 8.4, 2),
    ("House_04", "blue", 16.15, 5.8, 9.0, 6.8, 9.9, 2),
    ("House_Corner", "ochre", 22.7, 6.0, 9.0, 5.9, 9.0, 2),
)


def build_street() -> bpy.types.Scene:
    """Builds the street in the current, empty file and returns its scene, with camera, sun and world."""
    scene = bpy.context.scene
    scene.name = "Street"
    root = scene.collection
    kit = collection("Kit", root)
    _ground(collection("Ground", root))
    _houses(collection("Houses", root))
    _cafe(collection("Cafe", root))
    _street(collection("Street", root), kit)
    _harbour(collection("Harbour", root))
    _promenade(collection("Promenade", root), kit)
    _people(collection("People", root))
    _background(collection("Background", root), kit)
    hide_kit(scene, kit)
    add_sun(scene, elevation=38, azimuth=-52, strength=4.2)
    add_world(scene, "#a6c6e6", 0.8)
    add_camera(scene, at=(5.3, -14.5, 3.5), aim=(0.4, 6.0, 2.75), lens=27)
    return scene


def _ground(into: bpy.types.Collection) -> None:
    asphalt, paving, kerb = paint("Asphalt", "#66686d"), paint("Paving", "#a8a296"), paint("Kerbstone", "#c9c5bc")
    slabs = (
        ("Road", (-4.4, -30, -0.6), (2.6, 47, 0.0), asphalt),
        ("Sidewalk.Left", (-16.3, -30.1, -0.5), (-4.3, 47.1, PAVED), paving),
        ("Promenade_Sidewalk", (2.5, -30.1, -0.5), (QUAY - 0.4, 47.1, PAVED), paving),
        ("Kerb.Left", (-4.32, -30.2, -0.4), (-4.02, 47.2, PAVED + 0.03), kerb),
        ("Kerb.Right", (2.22, -30.2, -0.4), (2.52, 47.2, PAVED + 0.03), kerb),
        ("Quay_Wall", (QUAY - 0.5, -30.3, -4), (QUAY, 47.3, PAVED + 0.14), paint("Stone", "#9a9892")),
        ("Water_Harbour", (-200, -120, -9), (900, 1500, SEA), paint("Water", "#6f98ab")),
        ("Grass_Back", (-90, -30.4, -3), (-16.1, 47.4, 0.05), paint("Grass", "#8fa86f")),
    )
    for name, low, high, material in slabs:
        place(into, name, Solid().box(low, high, material).mesh(name))
    lines = Solid()
    for k in range(14):
        y = -2.4 + 3.6 * k
        lines.box((-0.96, y, -0.1), (-0.84, y + 1.7, 0.012), paint("Road_Paint", "#d8d6cf"))
    place(into, "Road_Marking", lines.mesh("Road_Marking"))
    stripes = Solid()
    for k in range(8):
        x = -3.75 + 0.75 * k
        stripes.box((x, -6.6, -0.09), (x + 0.42, -3.9, 0.014), paint("Road_Paint", "#d8d6cf"))
    place(into, "Crosswalk", stripes.mesh("Crosswalk"))


def _houses(into: bpy.types.Collection) -> None:
    tall = parts.window("Window_Tall", 0.95, 1.5, "sage")
    small = parts.window("Window_Small", 0.8, 0.9)
    doors = [parts.door("Door_Blue", "#7f97ab"), parts.door("Door_Red", "#b5766c"), parts.door("Door_Green", "#889a7c")]
    for index, (name, colour, y, width, depth, eaves, ridge, floors) in enumerate(HOUSES):
        place(into, name, parts.house(name, colour, width, depth, eaves, ridge), (FRONT, y, PAVED))
        side = -1 if index % 2 else 1
        place(into, f"Door.{index + 1:03}", doors[index % 3], (FRONT, y + side * width * 0.28, PAVED + 0.01))
        spots = [(small, 0.0, eaves + 0.35)]
        spots += [(tall, k * width * 0.27, 3.55 + 2.3 * floor) for floor in range(floors - 1) for k in (-1, 1)]
        if eaves > 6.5:
            spots.append((small, 0.0, eaves - 1.0))
        if index != 1:  # the café has its own front
            spots += [(tall, -side * width * 0.27, 1.0)]
        for window, across, height in spots:
            kind = "Window"
            place(into, kind, window, (FRONT, y + across, PAVED + height))


def _cafe(into: bpy.types.Collection) -> None:
    y = HOUSES[1][2]
    place(into, "Window_Cafe", parts.window("Window_Cafe", 2.6, 1.7), (FRONT, y + 0.9, PAVED + 0.7))
    place(into, "Awning_Cafe", parts.awning("Awning_Cafe", 5.0, ("#c98f82", "#e3dccd")), (FRONT, y, PAVED + 2.86))
    board = Solid().box((-0.06, -1.5, 0), (0.09, 1.5, 0.46), paint("Board_Dark", "#5f6b6a"))
    place(into, "Signboard_Cafe", board.mesh("Signboard_Cafe"), (FRONT, y, PAVED + 2.96))
    text = lettering("Text_Cafe", "CAFÉ", 0.4, paint("Frame_White", "#dedbd3"))
    letters = place(into, "Text_Cafe", text, (FRONT + 0.095, y, PAVED + 3.18))
    letters.rotation_euler = (math.pi / 2, 0, math.pi / 2)
    top = paint("White", "#dedbd3")
    table = (
        Solid()
        .column((0, 0, -0.02), 0.73, (0.05, 0.05), paint("Iron", "#62666b"), 8)
        .column((0, 0, 0.7), 0.04, (0.38, 0.38), top, 14)
    )
    chair = Solid().box((-0.2, -0.2, 0.42), (0.2, 0.2, 0.47), paint("Wood", "#9c7d58"))
    chair.box((-0.21, -0.18, 0.44), (-0.17, 0.18, 0.9), paint("Wood", "#9c7d58"))
    for x in (-0.16, 0.16):
        for side in (-0.16, 0.16):
            chair.box((x - 0.02, side - 0.02, -0.02), (x + 0.02, side + 0.02, 0.43), paint("Iron", "#62666b"))
    table_mesh, chair_mesh = table.mesh("Table_Round"), chair.mesh("Chair_Cafe")
    for k, along in enumerate((-1.5, 0.2, 1.9)):
        place(into, f"Table.{k + 1:03}", table_mesh, (FRONT + 1.55, y + along, PAVED))
        place(into, f"Chair.{2 * k + 1:03}", chair_mesh, (FRONT + 1.5, y + along - 0.62, PAVED), 90)
        place(into, f"Chair.{2 * k + 2:03}", chair_mesh, (FRONT + 1.6, y + along + 0.62, PAVED), -90)


def _street(into: bpy.types.Collection, kit: bpy.types.Collection) -> None:
    iron, glow = paint("Iron", "#62666b"), paint("Lamp_Glass", "#efe3c2", 0.4)
    lamp = collection("Streetlight", kit)
    post = Solid().column((0, 0, -0.03), 0.5, (0.14, 0.1), iron, 10).column((0, 0, 0.4), 3.6, (0.06, 0.045), iron, 10)
    place(lamp, "Streetlight_Post", post.mesh("Streetlight_Post"))
    head = Solid().column((0, 0, 3.96), 0.46, (0.13, 0.2), glow, 6).column((0, 0, 4.4), 0.26, (0.28, 0.03), iron, 6)
    place(lamp, "Streetlight_Head", head.mesh("Streetlight_Head"))
    for k in range(5):
        place_collection(into, f"Streetlight.{k + 1:03}", lamp, (-4.75, -6.4 + 9.2 * k, PAVED))
    place(into, "Car_Blue", parts.car("Car_Blue", "#8ba3b8"), (1.15, 4.2, 0.0))
    place(into, "Car.Cream", parts.car("Car_Cream", "#d6c7a4"), (1.2, 19.0, 0.0))
    place(into, "Van_Delivery", parts.car("Van_Delivery", "#b9c3b2", tall=True), (-2.9, 11.5, 0.0), 180)
    tree = parts.leafy_tree("Tree_Street")
    for k, (y, scale) in enumerate(((0.6, 0.95), (12.6, 1.05), (24.0, 1.0), (33.0, 1.1))):
        place(into, f"Tree_{k + 1:02}", tree, (-5.1, y, PAVED), 70 * k, scale)
    planter = parts.planter("Planter_Flowers")
    for k, y in enumerate((-5.2, 0.35, 6.9, 18.0)):
        place(into, f"Plant_Pot.{k + 1:03}", planter, (FRONT + 0.6, y, PAVED), 50 * k)
    bin_mesh = Solid().column((0, 0, -0.02), 0.85, (0.2, 0.26), paint("Bin_Green", "#7d8f80"), 12)
    place(into, "Trash_Can", bin_mesh.mesh("Trash_Can"), (-4.8, -3.4, PAVED))


def _harbour(into: bpy.types.Collection) -> None:
    wood, dark = paint("Wood", "#9c7d58"), paint("Wood_Dark", "#7c6d5a")
    pier = Solid()
    for k in range(26):
        x = QUAY - 0.3 + 0.45 * k
        pier.box((x, 13.0, -0.28), (x + 0.41, 15.4, -0.18), wood)
    for k in range(5):
        for y in (13.1, 15.3):
            pier.column((QUAY + 0.5 + 2.6 * k, y, -5), 5.25, (0.16, 0.14), dark, 8)
    place(into, "Pier_Wooden", pier.mesh("Pier_Wooden"))
    place(into, "Boat_Fishing", parts.fishing_boat("Boat_Fishing"), (9.4, 3.4, SEA), 4)
    sloop = parts.sailboat("Sailboat")
    for k, (x, y, turn) in enumerate(((11.2, 10.6, 84), (14.6, 18.6, 96), (9.9, 22.5, 4))):
        place(into, f"Sailboat.{k + 1:03}", sloop, (x, y, SEA), turn)
    place(into, "Sailboat_Underway", parts.sailboat("Sailboat_Hoisted", hoisted=True), (31, 58, SEA), 58, 1.2)
    place(into, "Rowboat", parts.rowboat("Rowboat"), (12.6, 4.6, SEA), -62)
    bollard = parts.bollard("Bollard")
    for k in range(6):
        place(into, f"Bollard.{k + 1:03}", bollard, (QUAY - 0.25, -4.6 + 5.4 * k, PAVED + 0.14))
    line = paint("Rope", "#cbbd9c")
    moorings = (((6.35, 0.8, 0.62), (8.45, 0.6, -0.25)), ((6.35, 6.2, 0.62), (9.0, 6.9, 0.0)))
    for k, (start, end) in enumerate(moorings):
        place(into, f"Rope_Mooring.{k + 1:03}", rope("Rope_Mooring", sagging(start, end, 0.35), 0.025, line))
    mole = [[(x, y, z) for x, z in ((-w, -5), (w, -5), (w - 1.6, 0.2), (1.6 - w, 0.2))] for w, y in ((5, -24), (5, 24))]
    place(
        into,
        "Rock_Breakwater",
        Solid().part(*loft(mole), paint("Stone", "#9a9892")).mesh("Rock_Breakwater"),
        (52, 96, SEA + 0.8),
        74,
    )
    place(into, "Tower_Lighthouse", parts.lighthouse("Tower_Lighthouse"), (31, 90, SEA + 1.0))


def _promenade(into: bpy.types.Collection, kit: bpy.types.Collection) -> None:
    stall = collection("Market_Stall", kit)
    wood, cloth = paint("Wood", "#9c7d58"), ("#9fb3a4", "#e6dfcf")
    counter = (
        Solid()
        .box((-0.55, -1.2, -0.02), (0.35, 1.2, 0.86), wood)
        .box((-0.6, -1.28, 0.84), (0.45, 1.28, 0.92), paint("Wood_Light", "#c2ab8b"))
    )
    place(stall, "Stall_Counter", counter.mesh("Stall_Counter"))
    posts = Solid()
    for y in (-1.22, 1.22):
        posts.box((-0.72, y - 0.04, -0.02), (-0.64, y + 0.04, 2.45), wood).box(
            (0.5, y - 0.04, -0.02), (0.58, y + 0.04, 2.05), wood
        )
    place(stall, "Stall_Poles", posts.mesh("Stall_Poles"))
    place(stall, "Stall_Awning", parts.awning("Stall_Awning", 2.9, cloth), (-0.8, 0, 2.56))
    food = Solid()
    for k, colour in enumerate(("#c98f6f", "#c9b36f", "#8fa676", "#b5766c")):
        food.ball((-0.05, -0.9 + 0.6 * k, 0.93), (0.3, 0.26, 0.2), paint(f"Food_{k}", colour), 9, 6)
    place(stall, "Food_Fruit", food.mesh("Food_Fruit"))
    for k, (y, turn) in enumerate(((7.2, 238), (11.3, 238), (27.5, 200))):
        place_collection(into, f"Market_Stall.{k + 1:03}", stall, (4.75, y, PAVED), turn)
    seat = parts.bench("Bench")
    for k, y in enumerate((-2.2, 17.4, 21.6)):
        place(into, f"Bench.{k + 1:03}", seat, (3.35, y, PAVED))
    cask, box = parts.barrel("Barrel"), parts.crate("Crate")
    for k, (x, y) in enumerate(((5.5, -6.3), (4.85, -5.7), (5.75, 4.9))):
        place(into, f"Barrel.{k + 1:03}", cask, (x, y, PAVED), 40 * k)
    for k, (x, y, z, turn) in enumerate(((5.6, -5.1, 0, 12), (5.62, -5.08, 0.585, 31), (5.4, 13.6, 0, -8))):
        place(into, f"Crate_Box.{k + 1:03}", box, (x, y, PAVED + z), turn)


def _people(into: bpy.types.Collection) -> None:
    looks = (("#8f9fb3", "#6a6f78"), ("#bd8f86", "#59606b"), ("#a6a98a", "#7a6f63"))
    figures = [parts.person(f"Person_{k + 1}", *look) for k, look in enumerate(looks)]
    spots = (
        (4.1, 0.9, 80),
        (4.5, 1.5, 215),
        (3.1, 8.6, 10),
        (-5.9, 6.2, 200),
        (-5.5, -1.9, 95),
        (3.3, 14.2, 265),
        (-2.0, -5.2, 20),
    )
    for k, (x, y, turn) in enumerate(spots):
        floor = 0.014 if -4 < x < 2.2 else PAVED
        place(into, f"Person_{k + 1:02}", figures[k % 3], (x, y, floor), turn, 0.96 + 0.03 * (k % 3))


def _background(into: bpy.types.Collection, kit: bpy.types.Collection) -> None:
    place(into, "Building_Warehouse", parts.warehouse("Building_Warehouse", 17, 9, 5.2), (FRONT, 35.2, PAVED))
    place(into, "Church_Tower", parts.church_tower("Church_Tower"), (-9.5, 66.0, 4.2), 20)
    hill = place(into, "Hill_Grass", _hill("Hill_Grass"))
    place(into, "Mountain_Far", _ridge("Mountain_Far", 620, 150, 7), (-330, 780, -4), 8)
    place(into, "Mountain_Far.001", _ridge("Mountain_Far_Low", 560, 88, 4), (170, 860, -4.7), -6)
    trees = collection("Forest_Trees", kit)
    place(trees, "Tree_Oak", parts.leafy_tree("Tree_Oak"))
    place(trees, "Tree_Pine", parts.pine_tree("Tree_Pine"))
    scatter(place(into, "Trees_Scatter", bpy.data.meshes.new("Trees_Scatter")), hill, trees, density=0.02, seed=4)
    fence = Solid()
    for k in range(15):
        fence.box((-4.4 + 0.8 * k, 47.5, -0.3), (-4.28 + 0.8 * k, 47.62, 1.1), paint("Wood", "#9c7d58"))
    for z in (0.4, 0.8):
        fence.box((-4.5, 47.53, z), (7.0, 47.59, z + 0.12), paint("Wood", "#9c7d58"))
    place(into, "Fence_Wood", fence.mesh("Fence_Wood"))


def _hill(name: str) -> bpy.types.Mesh:
    """A closed mound behind the street: a grid of heights over a flat base below the water."""
    count, material = 24, paint("Grass", "#8fa86f")
    sections = []
    for row in range(count):
        y = 49 + 130 * row / (count - 1)
        section = [(95.0, y, -12.0), (-150.0, y, -12.0)]
        section += [(x, y, _height(x, y)) for x in (-150 + 245 * k / (count - 1) for k in range(count))]
        sections.append(section)
    return Solid().part(*loft(sections), material).mesh(name)


def _height(x: float, y: float) -> float:
    """Height of the hill, metres: it rises from the street's end and falls into the sea on the right."""
    depth = 1 - math.exp(-((y - 49) / 38))
    across = 1 / (1 + math.exp((x - 14 - (y - 49) * 0.12) / 6))
    return (
        -3.5
        + 3.4 * across
        + 25 * depth * across * (0.75 + 0.25 * math.sin(x / 19 + 1.2))
        + 0.8 * math.sin(x / 7 + y / 11)
    )


def _ridge(name: str, length: float, height: float, peaks: int) -> bpy.types.Mesh:
    """A closed mountain ridge along x: a triangle section whose crest goes up and down."""
    sections = []
    for k in range(4 * peaks + 1):
        t = k / (4 * peaks)
        crest = height * math.sin(math.pi * t) ** 0.8 * (0.68 + 0.32 * math.cos(k * math.pi / 2 + 0.4 * math.sin(k)))
        x = (t - 0.5) * length
        sections.append([(x, -90.0, -1.0), (x, 90.0, -1.0), (x, 12 * math.sin(k * 1.7), max(crest, 0.5))])
    return Solid().part(*loft(sections), paint("Mountain", "#a7b3bf")).mesh(name)
