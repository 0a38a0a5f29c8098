"""The example room: a closed living room with a window on the left, seen from the corner. Metres, floor at z = 0."""

from __future__ import annotations

import math
from contextlib import suppress

import bpy

from . import room_parts as parts
from .blockout import (
    Solid,
    add_camera,
    add_sun,
    add_world,
    collection,
    hide_kit,
    holed_wall,
    paint,
    place,
    place_collection,
    rope,
    sagging,
)

WIDTH, DEPTH, HEIGHT = 6.4, 5.4, 2.75
"""x runs 0..WIDTH, y 0..DEPTH into the picture"""
THICK = 0.2
SUNK = -0.012
"""z of what stands on the floor: its feet share no plane with it"""
WINDOW = (1.35, 0.75, 4.25, 2.35)
"""y0, z0, y1, z1 of the hole in the left wall"""


def build_room() -> bpy.types.Scene:
    """Builds the room in the current, empty file and returns its scene, with camera, lights and the Standard view."""
    scene = bpy.context.scene
    scene.name = "Room"
    root = scene.collection
    kit = collection("Kit", root)
    _shell(collection("Shell", root))
    _window(collection("Window", root))
    _seats(collection("Seats", root))
    _dining(collection("Dining", root))
    _shelves(collection("Shelves", root), kit)
    _decoration(collection("Decoration", root))
    hide_kit(scene, kit)
    _lights(scene)
    add_camera(scene, at=(6.05, 0.3, 1.55), aim=(2.75, 3.3, 1.18), lens=20)
    _standard_view(scene)
    return scene


def _shell(into: bpy.types.Collection) -> None:
    """Six closed slabs. Each reaches a little less far into its neighbour than that one is thick: no shared planes."""
    plaster, accent = paint("Plaster_White", "#d8d3c8"), paint("Plaster_Accent", "#a9b5ac")
    slabs = (
        ("Floor", (-0.15, -0.15, -0.2), (WIDTH + 0.15, DEPTH + 0.15, 0.0), paint("Parquet", "#b49a7c")),
        ("Ceiling", (-0.14, -0.14, HEIGHT), (WIDTH + 0.14, DEPTH + 0.14, HEIGHT + 0.2), paint("White", "#e4e1da")),
        ("Wall_Back", (-0.13, DEPTH, -0.1), (WIDTH + 0.13, DEPTH + THICK, HEIGHT + 0.1), accent),
        ("Wall_Right", (WIDTH, -0.12, -0.11), (WIDTH + THICK, DEPTH + 0.12, HEIGHT + 0.11), plaster),
        ("Wall_Front", (-0.11, -THICK, -0.12), (WIDTH + 0.11, 0.0, HEIGHT + 0.12), plaster),
    )
    for name, low, high, material in slabs:
        place(into, name, Solid().box(low, high, material).mesh(name))
    y0, z0, y1, z1 = WINDOW
    hole = (y0 + 0.09, z0 + 0.08, y1 + 0.09, z1 + 0.08)
    shape = holed_wall(DEPTH + 0.18, HEIGHT + 0.16, THICK, hole)
    place(into, "Wall_Left", Solid().part(*shape, plaster).mesh("Wall_Left"), (0.0, -0.09, -0.08), 90)
    white = paint("Frame_White", "#e4e1da")
    board = Solid().box((0.04, DEPTH - 0.025, -0.02), (WIDTH - 0.03, DEPTH + 0.02, 0.12), white)
    place(into, "Baseboard_Back", board.mesh("Baseboard_Back"))
    place(into, "Door", parts.door("Door"), (5.55, DEPTH, SUNK), -90)


def _window(into: bpy.types.Collection) -> None:
    y0, z0, y1, z1 = WINDOW
    middle, wide, high = (y0 + y1) / 2, y1 - y0, z1 - z0
    place(into, "Window_Frame", parts.window_frame("Window_Frame", wide, high), (-0.1, middle, z0))
    glass = Solid().box(
        (-0.004, -wide / 2 + 0.03, 0.03), (0.004, wide / 2 - 0.03, high - 0.03), paint("Daylight", "#bcd6ea", 0.8)
    )
    pane = place(into, "Window_Pane", glass.mesh("Window_Pane"), (-0.1, middle, z0))
    # The pane is bright for the camera alone: the sun shines in as if it were not there.
    pane.visible_shadow = pane.visible_diffuse = pane.visible_glossy = False
    pole = rope(
        "Curtain_Rod", [(0.17, y0 - 0.5, z1 + 0.18), (0.17, y1 + 0.5, z1 + 0.18)], 0.018, paint("Brass", "#a08a5f")
    )
    place(into, "Curtain_Rod", pole)
    cloth = parts.curtain("Curtain", 0.62, z1 + 0.13)
    place(into, "Curtain.Left", cloth, (0.17, y0 - 0.08, 0.02))
    place(into, "Curtain.Right", cloth, (0.17, y1 + 0.08, 0.02))


def _seats(into: bpy.types.Collection) -> None:
    place(
        into,
        "Rug",
        Solid().column((0, 0, -0.01), 0.025, (1.35, 1.35), paint("Rug_Wool", "#c7b6a0"), 40).mesh("Rug"),
        (2.2, 3.15, 0.0),
    )
    place(into, "Sofa", parts.sofa("Sofa", 2.1, "#8a9aa8"), (2.3, DEPTH - 0.58, SUNK), -90)
    cushion = parts.cushion("Cushion", "#cfa58f")
    place(into, "Cushion.001", cushion, (1.72, DEPTH - 0.62, 0.64), -78)
    place(into, "Cushion.002", cushion, (2.93, DEPTH - 0.62, 0.64), -104)
    place(into, "Armchair", parts.sofa("Armchair", 0.92, "#b8977f"), (0.85, 2.62, SUNK), 14)
    table = (
        Solid()
        .column((0, 0, 0.36), 0.05, (0.48, 0.48), paint("Oak", "#a88a66"), 28)
        .column((0, 0, 0.0), 0.37, (0.2, 0.1), paint("Oak_Dark", "#85694c"), 14)
    )
    place(into, "Coffee_Table", table.mesh("Coffee_Table"), (2.3, 3.25, 0.005))
    place(
        into,
        "Book_Open",
        Solid().box((-0.15, -0.11, 0), (0.15, 0.11, 0.035), paint("Book_Rust", "#a9705a")).mesh("Book_Open"),
        (2.2, 3.12, 0.398),
        25,
    )
    place(into, "Vase", parts.vase("Vase"), (2.45, 3.38, 0.4))
    place(into, "Floor_Lamp", parts.floor_lamp("Floor_Lamp"), (0.62, DEPTH - 0.55, SUNK))


def _dining(into: bpy.types.Collection) -> None:
    at = (4.6, 2.72)
    place(into, "Table", parts.table("Table", 1.5, 0.85), (*at, SUNK))
    chair = parts.chair("Chair")
    for k, (x, y, turn) in enumerate(
        ((-0.4, 0.62, -90), (0.38, 0.66, -94), (-0.42, -0.6, 90), (0.36, -0.66, 82), (-0.98, 0.02, 4))
    ):
        place(into, f"Chair.{k + 1:03}", chair, (at[0] + x, at[1] + y, SUNK), turn)
    bowl = (
        Solid()
        .column((0, 0, 0.0), 0.09, (0.09, 0.17), paint("Ceramic", "#d9d2c2"), 16)
        .ball((-0.04, 0, 0.1), (0.08, 0.08, 0.07), paint("Fruit", "#bf8a5a"))
    )
    bowl.ball((0.07, 0.04, 0.1), (0.07, 0.07, 0.065), paint("Fruit_Green", "#9aa86c"))
    place(into, "Bowl_Fruit", bowl.mesh("Bowl_Fruit"), (at[0] + 0.15, at[1], 0.728))
    plate = Solid().column((0, 0, 0.0), 0.02, (0.1, 0.13), paint("Ceramic", "#d9d2c2"), 18).mesh("Plate")
    for k, (x, y) in enumerate(((-0.42, 0.24), (-0.42, -0.24), (0.42, -0.24))):
        place(into, f"Plate.{k + 1:03}", plate, (at[0] + x, at[1] + y, 0.728))
    lamp = Solid().column((0, 0, 0), 0.26, (0.3, 0.1), paint("Lamp_Shade", "#c2a878"), 20)
    place(into, "Pendant_Lamp", lamp.mesh("Pendant_Lamp"), (*at, 1.62))
    cord = rope("Cord", sagging((*at, 1.85), (*at, HEIGHT + 0.05), 0.0, 3), 0.008, paint("Iron", "#5c5f62"))
    place(into, "Pendant_Cord", cord)


def _shelves(into: bpy.types.Collection, kit: bpy.types.Collection) -> None:
    books = collection("Books", kit)
    for k, (wide, high, colour) in enumerate(
        (
            (0.045, 0.27, "#93a39b"),
            (0.06, 0.24, "#b98f7d"),
            (0.035, 0.29, "#c9b78f"),
            (0.05, 0.25, "#7f8fa3"),
            (0.07, 0.22, "#a7a08f"),
        )
    ):
        across = (0.0, 0.056, 0.125, 0.17, 0.232)[k]
        shape = Solid().box((0, across, 0.0), (0.19, across + wide, high), paint(f"Book_{colour}", colour))
        place(books, f"Book_{k + 1:02}", shape.mesh(f"Book_{k + 1:02}"))
    spot = (0.02, 0.62)
    place(into, "Bookshelf", parts.bookshelf("Bookshelf"), (*spot, SUNK))
    for k, (across, level) in enumerate(((-0.42, 0), (0.08, 1), (-0.4, 2), (-0.08, 2), (-0.2, 3), (0.1, 4))):
        place_collection(into, f"Books_Row.{k + 1:03}", books, (spot[0] + 0.06, spot[1] + across, 0.085 + 0.42 * level))
    cabinet = parts.cabinet("Cabinet_Sideboard")
    place(into, "Cabinet_Sideboard", cabinet, (4.35, DEPTH - 0.02, SUNK), -90)
    place_collection(into, "Books_Row.007", books, (4.62, DEPTH - 0.08, 0.7), -90)


def _decoration(into: bpy.types.Collection) -> None:
    wide, tall = parts.painting("Painting_Wide", 1.15, 0.75), parts.painting("Painting_Tall", 0.5, 0.68)
    place(into, "Painting_01", wide, (2.15, DEPTH, 1.32), -90)
    place(into, "Painting_02", tall, (3.92, DEPTH, 1.38), -90)
    place(into, "Painting.003", tall, (4.54, DEPTH, 1.38), -90)
    place(into, "Plant_Ficus", parts.pot_plant("Plant_Ficus"), (0.55, 1.65, SUNK))
    place(into, "Plant_Small", parts.pot_plant("Plant_Small"), (4.0, DEPTH - 0.25, 0.7), 40, 0.27)
    place(
        into,
        "Clock",
        Solid()
        .prism(
            [(0.16 * math.cos(k * math.pi / 10), 0.16 * math.sin(k * math.pi / 10)) for k in range(20)],
            -0.05,
            0.03,
            paint("Ceramic", "#d9d2c2"),
            "x",
        )
        .mesh("Clock"),
        (4.23, DEPTH, 2.4),
        -90,
    )
    place(into, "Mirror", parts.painting("Mirror", 0.55, 1.2), (WIDTH, 4.1, 0.85), 180)


def _lights(scene: bpy.types.Scene) -> None:
    add_sun(scene, elevation=34, azimuth=194, strength=4.0)
    add_world(scene, "#cfdeee", 1.2)
    for name, at, turn, size, power in (
        ("Light_Window", (0.3, (WINDOW[0] + WINDOW[2]) / 2, 1.55), (0, -90, 0), 1.6, 55.0),
        ("Light_Room", (WIDTH / 2, DEPTH / 2, HEIGHT - 0.06), (0, 0, 0), 3.5, 42.0),
    ):
        data = bpy.data.lights.new(name, "AREA")
        data.size, data.energy = size, power
        light = place(scene.collection, name, data, at)
        light.rotation_euler = tuple(math.radians(angle) for angle in turn)
        light.visible_camera = False


def _standard_view(scene: bpy.types.Scene) -> None:
    """Standard, so that the two examples differ; another colour configuration may not know it and keeps its own."""
    with suppress(TypeError):
        scene.view_settings.view_transform = "Standard"
