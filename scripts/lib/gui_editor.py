"""What a program does that works in the Image Editor as a person does: mouse, wheel, keys, screenshots."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np

from scripts.lib import gui_person
from scripts.lib.gui_person import addon, archive, blend, check, window

_CHAPTER = Path(sys.argv[sys.argv.index("--python") + 1]).stem.removeprefix("gui_")


def editor() -> bpy.types.Area:
    return next(one for one in window().screen.areas if one.ui_type == "IMAGE_EDITOR")


def region(kind: str = "WINDOW") -> bpy.types.Region:
    return next(one for one in editor().regions if one.type == kind)


def within():
    return bpy.context.temp_override(window=window(), area=editor(), region=region())


def shot(name: str) -> str:
    return gui_person.shot(name, _CHAPTER)


def seen(path: str) -> np.ndarray:
    """float32 H×W×3: the middle of the picture in a screenshot, without the titles at its top."""
    made = bpy.data.images.load(path)
    values = np.array(made.pixels, np.float32).reshape(made.size[1], made.size[0], -1)[..., :3]
    bpy.data.images.remove(made)
    part = region()
    return values[part.y + 10 : part.y + part.height - 60, part.x + 10 : part.x + part.width - 10]


def image() -> bpy.types.Image:
    return editor().spaces.active.image


def masks() -> list[str]:
    return [one.name for one in image().segaddon.masks]


def covered() -> np.ndarray:
    return addon("operators.retouch_masks").together(image(), tuple(image().size))


def of(*names: str) -> np.ndarray:
    maps = addon("api").find_picture(image()).maps
    return np.isin(maps.instance_map, [one.id for one in maps.instances if one.object in names])


def middle(name: str) -> tuple[int, int]:
    """Where the picture shows an object, in pixels of the window: of its pixels the one nearest to its middle."""
    rows, columns = np.nonzero(of(name))
    order = np.hypot(rows - rows.mean(), columns - columns.mean()).argmin()
    return at((columns[order] + 0.5) / image().size[0], (rows[order] + 0.5) / image().size[1])


def at(x: float, y: float) -> tuple[int, int]:
    """A place of the picture (0..1 from its top left corner) in pixels of the window."""
    place = region().view2d.view_to_region(x, 1 - y, clip=False)
    return region().x + place[0], region().y + place[1]


def event(kind: str, value: str, place: tuple[int, int], **modifiers: bool) -> None:
    window().event_simulate(type=kind, value=value, x=place[0], y=place[1], **modifiers)


def click(place: tuple[int, int], **modifiers: bool) -> Iterator[float]:
    event("MOUSEMOVE", "NOTHING", place)
    yield 0.2
    event("LEFTMOUSE", "PRESS", place, **modifiers)
    yield 0.2
    event("LEFTMOUSE", "RELEASE", place, **modifiers)
    yield 0.8


def drag(start: tuple[int, int], end: tuple[int, int], name: str = "") -> Iterator[float]:
    event("MOUSEMOVE", "NOTHING", start)
    yield 0.2
    event("LEFTMOUSE", "PRESS", start)
    for part in (0.3, 0.7, 1.0):
        yield 0.2
        event("MOUSEMOVE", "NOTHING", tuple(int(one + (two - one) * part) for one, two in zip(start, end, strict=True)))
    yield 0.5
    if name:
        shot(name)
    event("LEFTMOUSE", "RELEASE", end)
    yield 0.8


def press(kind: str, **modifiers: bool) -> Iterator[float]:
    """A key or the wheel, with the mouse over the picture."""
    place = at(0.5, 0.5)
    event("MOUSEMOVE", "NOTHING", place)
    yield 0.2
    letter = {"unicode": kind.lower()} if len(kind) == 1 and not modifiers else {}
    window().event_simulate(type=kind, value="PRESS", x=place[0], y=place[1], **letter, **modifiers)
    if "WHEEL" not in kind:
        event(kind, "RELEASE", place, **modifiers)
    yield 0.8


def typed(text: str, place: tuple[int, int]) -> Iterator[float]:
    """Into the field at a place of the window."""
    yield from click(place)
    for letter in text:
        window().event_simulate(type=letter.upper(), value="PRESS", x=place[0], y=place[1], unicode=letter)
        event(letter.upper(), "RELEASE", place)
        yield 0.2
    event("RET", "PRESS", place)
    event("RET", "RELEASE", place)
    yield 0.8


def until_made(longest: float = 60) -> Iterator[float]:
    end = time.monotonic() + longest
    yield 0.3
    while addon("operators.running").current is not None and time.monotonic() < end:
        yield 0.1
    check(addon("operators.running").current is None, "a picture takes too long")
    yield 0.8


def prepare() -> Iterator[float]:
    """The add-on, the street, and one large Image Editor beside a viewport."""
    with bpy.context.temp_override(window=window()):
        bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    yield 0.5
    bpy.ops.wm.open_mainfile(filepath=blend)
    yield 0.5
    area = next(one for one in window().screen.areas if one.type == "VIEW_3D")
    area.ui_type = "IMAGE_EDITOR"
    yield 0.5
    editor().spaces.active.show_region_ui = editor().spaces.active.show_region_toolbar = True
    yield 0.5
    region("UI").active_panel_category = "SegAddon"
    editor().tag_redraw()
    yield 0.5
    shot("nothing_open")
    with within():
        bpy.ops.segaddon.generate("EXEC_DEFAULT", prompt="sunset")
        editor().spaces.active.image = bpy.context.scene.segaddon.picture
        bpy.ops.image.view_all(fit_view=True)
        bpy.ops.ed.undo_push(message="Picture")
    yield 1.5  # panels open
    shot("picture_open")


def fit() -> None:
    with within():
        bpy.ops.image.view_all(fit_view=True)
