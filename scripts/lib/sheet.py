"""One page that shows a whole result: the picture large, the maps beside it, what became of it in a row below.

The page is ``WIDTH`` pixels wide and as high as it needs. Pictures keep their proportions; the first panel marked
``hero`` leads, the next four stand beside it two by two, the rest follow in rows of up to five.
"""

from __future__ import annotations

import io
import math
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from blender_segaddon.core.atomic import write_atomic
from blender_segaddon.protocol.errors import InvalidInput

Colour = tuple[int, int, int]
Legend = Sequence[tuple[str, Colour]]

WIDTH = 1920
MARGIN = 64
GAP = 24
LABEL, CAPTION = 30, 28
"""Height of the lines above and below a picture, pixels."""
HERO_HEIGHT = 1150
"""The hero is at most this high; what a tall picture leaves free beside the maps goes to the legend."""
SWATCH, LINE = 26, 30
"""From a swatch to its name, and from one line of the legend to the next, pixels."""

STAND_INS = {
    "×": "x",
    "–": "-",
    "—": "-",
    "−": "-",
    "→": ">",
    "≥": ">=",
    "≤": "<=",
    "µ": "u",
    "ß": "ss",
    "ø": "o",
    "Ø": "O",
}
"""For what Pillow's font lacks and Unicode does not take apart."""

PAGE, TILE, RULE = (20, 22, 26), (30, 33, 38), (52, 56, 63)
INK, SOFT, FAINT = (238, 239, 241), (163, 168, 177), (112, 118, 128)


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture with its words."""

    label: str
    image: np.ndarray
    """uint8 H×W, H×W×3 or H×W×4 (sRGB), or bool H×W (a mask); row 0 at the top"""
    caption: str = ""
    """one line of fact ("142 instances · 14 classes")"""
    legend: Legend = ()
    """(class name, sRGB colour), in the order to be shown"""
    hero: bool = False


@dataclass(frozen=True)
class _Box:
    """Where a panel's picture goes, pixels; its label stands above and its caption below."""

    x: int
    y: int
    width: int
    height: int


def write_sheet(
    path: str | Path,
    panels: Sequence[Panel],
    title: str,
    subtitle: str = "",
    footer: str = "",
    *,
    max_bytes: int | None = None,
) -> None:
    """Writes the page as a PNG. The file appears whole or not at all.

    Args:
        max_bytes: for documentation: reduces the page to 256 colours, then in size, until it fits.

    Raises:
        InvalidInput: no panel, an array that is no picture, ``max_bytes`` that no readable page fits in.
        StorageError: the file cannot be written.
    """
    page = draw_sheet(panels, title, subtitle, footer)
    data = _encoded(page, max_bytes, [colour for panel in panels for _, colour in panel.legend])
    write_atomic(path, data)


def draw_sheet(panels: Sequence[Panel], title: str, subtitle: str = "", footer: str = "") -> Image.Image:
    """The page as an RGB picture ``WIDTH`` wide. Raises InvalidInput as ``write_sheet``."""
    if not panels:
        raise InvalidInput("A sheet needs a picture", "Give at least one panel")
    pictures = [_picture(panel) for panel in panels]
    lead = next((k for k, panel in enumerate(panels) if panel.hero), 0)
    order = [lead, *(k for k in range(len(panels)) if k != lead)]
    aspect = min(max(pictures[lead].width / pictures[lead].height, 1 / 4), 4.0)  # beyond, a box would be but a line
    legend = [entry for panel in panels for entry in panel.legend]
    top = _header_height(subtitle)
    boxes, right = _lead_boxes(aspect, min(4, len(panels) - 1), top)
    y = boxes[0].y + boxes[0].height + CAPTION + GAP
    swatches, below = _swatch_places(legend, right, boxes[0], y)
    y = below
    boxes += _row_boxes(aspect, len(panels) - len(boxes), y)
    y = max(y, *(box.y + box.height + CAPTION + GAP for box in boxes))
    page = Image.new("RGB", (WIDTH, y + (50 if footer else 16)), PAGE)
    draw = ImageDraw.Draw(page)
    _draw_header(draw, title, subtitle, legend)
    for index, box in zip(order, boxes, strict=True):
        _draw_panel(page, draw, panels[index], pictures[index], box)
    for (name, colour), (x, at) in zip(legend, swatches, strict=True):
        draw.rounded_rectangle((x, at, x + 16, at + 16), 4, colour)
        draw.text((x + SWATCH, at + 14), _printable(name), SOFT, _font(16), anchor="ls")
    if footer:
        draw.line((MARGIN, y, WIDTH - MARGIN, y), RULE)
        draw.text((MARGIN, y + 16), _fitted(footer, 15, WIDTH - 2 * MARGIN), FAINT, _font(15))
    return page


def _lead_boxes(aspect: float, maps: int, top: int) -> tuple[list[_Box], int]:
    """The hero's box and those of up to four maps beside it, and the right edge of them all.

    Beside a hero of height 2h + between stand two rows of height h; all widths together fill the page.
    """
    columns = math.ceil(maps / 2)
    between = LABEL + CAPTION + GAP
    free = WIDTH - 2 * MARGIN - GAP * columns
    height = min((free + aspect * between * columns / 2) / (aspect * (1 + columns / 2)), HERO_HEIGHT)
    small = (height - between) / 2
    hero = _Box(MARGIN, top + LABEL, round(height * aspect), round(height))
    boxes, width = [hero], round(small * aspect)
    for k in range(maps):
        x = hero.x + hero.width + GAP + (k % columns) * (width + GAP)
        y = hero.y + (k // columns) * (hero.height - round(small))
        boxes.append(_Box(x, y, width, round(small)))
    return boxes, max(box.x + box.width for box in boxes)


def _row_boxes(aspect: float, count: int, top: int) -> list[_Box]:
    """Boxes of ``count`` panels in rows of up to five that are as even as can be."""
    if count <= 0:
        return []
    rows = math.ceil(count / 5)
    columns = math.ceil(count / rows)
    width = (WIDTH - 2 * MARGIN - GAP * (columns - 1)) / columns
    height = min(width / aspect, HERO_HEIGHT)
    step = round(height) + LABEL + CAPTION + GAP
    return [
        _Box(
            round(MARGIN + (k % columns) * (width + GAP)),
            top + LABEL + (k // columns) * step,
            round(height * aspect),
            round(height),
        )
        for k in range(count)
    ]


def _draw_panel(page: Image.Image, draw: ImageDraw.ImageDraw, panel: Panel, picture: Image.Image, box: _Box) -> None:
    size = 20 if panel.hero else 17
    draw.text((box.x, box.y - 10), _fitted(panel.label, size, box.width), INK, _font(size), anchor="ls")
    scale = min(box.width / picture.width, box.height / picture.height)
    fitted = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    shown = Image.new("RGB", (box.width, box.height), TILE)
    resized = picture.resize(fitted, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC)
    shown.paste(resized, ((box.width - fitted[0]) // 2, (box.height - fitted[1]) // 2))
    page.paste(shown, (box.x, box.y), _rounded(box.width, box.height))
    caption = _fitted(panel.caption, 15, box.width)
    draw.text((box.x, box.y + box.height + 21), caption, SOFT, _font(15), anchor="ls")


def _rounded(width: int, height: int, radius: int = 5) -> Image.Image:
    """A mask with soft round corners."""
    mask = Image.new("L", (width * 2, height * 2), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width * 2 - 1, height * 2 - 1), radius * 2, 255)
    return mask.resize((width, height), Image.Resampling.BOX)


def _header_height(subtitle: str) -> int:
    return 172 if subtitle else 140


def _draw_header(draw: ImageDraw.ImageDraw, title: str, subtitle: str, legend: Legend) -> None:
    """Title and subtitle over a line in the colours of the classes."""
    room = WIDTH - 2 * MARGIN
    draw.text((MARGIN, 88), _fitted(title, 40, room), INK, _font(40), anchor="ls")
    draw.text((MARGIN, 122), _fitted(subtitle, 19, room), SOFT, _font(19), anchor="ls")
    y = _header_height(subtitle) - 28
    colours = [colour for _, colour in legend] or [RULE]
    for k, colour in enumerate(colours):
        x0, x1 = (MARGIN + room * edge // len(colours) for edge in (k, k + 1))
        draw.rectangle((x0, y, x1 - 1, y + 3), colour)


def _swatch_places(legend: Legend, right: int, hero: _Box, below: int) -> tuple[list[tuple[int, int]], int]:
    """Where the swatches go, and the y below them: in columns right of the maps where there is room, else in lines."""
    widest = max((_font(16).getlength(_printable(name)) for name, _ in legend), default=0) + SWATCH
    across = int((WIDTH - MARGIN - right - GAP) // (widest + GAP))
    down = hero.height // LINE
    if across * down >= len(legend):
        places = [
            (round(right + 2 * GAP + k // down * (widest + GAP)), hero.y + k % down * LINE) for k in range(len(legend))
        ]
        return places, below
    places, x, y = [], MARGIN, below
    for name, _ in legend:
        width = SWATCH + round(_font(16).getlength(_printable(name)))
        if x > MARGIN and x + width > WIDTH - MARGIN:
            x, y = MARGIN, y + LINE
        places.append((x, y))
        x += width + GAP
    return places, y + LINE + GAP


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font: it is there on every machine."""
    return ImageFont.load_default(size)


@cache
def _glyph(character: str) -> str:
    """What the font can show of a character: itself, a plain stand-in, its letter without accents, or "?"."""
    font = _font(15)
    missing = bytes(font.getmask("\uffff"))
    bare = unicodedata.normalize("NFKD", character)[:1]
    for candidate in (character, STAND_INS.get(character, ""), bare):
        if candidate and all(bytes(font.getmask(one)) != missing for one in candidate):
            return candidate
    return "?"


def _printable(text: str) -> str:
    """The text on one line, in characters that the font has."""
    return "".join(_glyph(character) for character in " ".join(text.split()))


def _fitted(text: str, size: int, width: float) -> str:
    """The printable text, cut with an ellipsis where it is longer than ``width`` pixels."""
    text, font = _printable(text), _font(size)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _picture(panel: Panel) -> Image.Image:
    """The panel's array as RGB; what is transparent lies on the tile's colour."""
    array = np.asarray(panel.image)
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in (1, 3, 4) or not array.size:
        raise InvalidInput(
            f"Panel '{panel.label}' is no picture (shape {array.shape}, {array.dtype})",
            "Give uint8 H×W, H×W×3 or H×W×4, or bool H×W",
        )
    if channels == 1:
        array = array.reshape(array.shape[:2])
    picture = Image.fromarray(np.ascontiguousarray(array))
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    ground = Image.new("RGBA", picture.size, (*TILE, 255))
    return Image.alpha_composite(ground, picture).convert("RGB")


def _encoded(page: Image.Image, max_bytes: int | None, keep: Sequence[Colour]) -> bytes:
    """The page as PNG, in full where it may be, else in 256 colours and as large as fits."""
    data = _png(page)
    if max_bytes is None or len(data) <= max_bytes:
        return data
    for percent in (100, 85, 75, 66, 58, 50, 42):
        size = (page.width * percent // 100, page.height * percent // 100)
        smaller = page if percent == 100 else page.resize(size, Image.Resampling.LANCZOS)
        data = _png(_in_256_colours(smaller, keep))
        if len(data) <= max_bytes:
            return data
    raise InvalidInput(f"No readable sheet fits in {max_bytes} bytes", f"Allow at least {len(data)}")


def _in_256_colours(page: Image.Image, keep: Sequence[Colour]) -> Image.Image:
    """The page with a palette that holds these colours exactly: a swatch off by a shade names the wrong class."""
    fixed = list(dict.fromkeys([PAGE, INK, SOFT, *keep]))[:128]
    found = page.quantize(256 - len(fixed), Image.Quantize.FASTOCTREE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([value for colour in fixed for value in colour] + found[: 3 * (256 - len(fixed))])
    return page.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":  # for the docs: python -m scripts.lib.sheet out/sheet.png docs/sheet.png
    with Image.open(sys.argv[1]) as made:
        write_atomic(sys.argv[2], _encoded(made.convert("RGB"), 500_000, []))
