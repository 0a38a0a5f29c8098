"""The result sheet: every picture is there, unstretched and apart from the others; files are whole or absent."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from blender_segaddon.protocol.errors import InvalidInput, StorageError
from scripts.lib.sheet import Panel, draw_sheet, write_sheet

SIZES = {"16:9": (288, 512), "1:1": (256, 256), "9:16": (512, 288)}
LEGEND = (("sky", (6, 230, 230)), ("tree", (4, 200, 3)), ("road", (140, 140, 140)))


def colour(k):
    """A strong colour per panel that nothing else on the page has."""
    return (255, 20 * k, 255 - 20 * k)


def flat(k, size):
    return np.full((*size, 3), colour(k), np.uint8)


def ten(size):
    return [
        Panel(f"Panel {k}", flat(k, size), f"caption {k}", LEGEND if k == 0 else (), hero=k == 4) for k in range(10)
    ]


def codes(page):
    """The page as one number per pixel, int32 H×W: quick to compare."""
    return np.asarray(page).astype(np.int32) @ (65536, 256, 1)


def box_of(pixels, value):
    """(x0, y0, x1, y1) of what has exactly this colour in ``codes``."""
    found = pixels == value[0] * 65536 + value[1] * 256 + value[2]
    assert found.any(), f"nothing on the page is {value}"
    columns, rows = np.flatnonzero(found.any(axis=0)), np.flatnonzero(found.any(axis=1))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("ratio", SIZES)
def test_pictures_keep_their_proportions_and_their_distance(ratio):
    size = SIZES[ratio]
    page = draw_sheet(ten(size), "Title", "Subtitle", "Footer")
    assert page.width == 1920
    pixels = codes(page)
    boxes = [box_of(pixels, colour(k)) for k in range(10)]
    for x0, y0, x1, y1 in boxes:
        assert (x1 - x0) / (y1 - y0) == pytest.approx(size[1] / size[0], rel=0.015)
        assert x0 >= 64 and x1 <= 1920 - 63
    for a, b in combinations(boxes, 2):
        assert a[2] + 16 <= b[0] or b[2] + 16 <= a[0] or a[3] + 16 <= b[1] or b[3] + 16 <= a[1]
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes]
    assert areas[4] > 2.5 * sorted(areas)[-2]


def test_hero_and_maps_end_on_one_line():
    page = codes(draw_sheet(ten(SIZES["16:9"]), "Title"))
    hero, first, third = (box_of(page, colour(k)) for k in (4, 0, 2))
    assert abs(hero[1] - first[1]) <= 1
    assert abs(hero[3] - third[3]) <= 1


def test_other_proportions_are_letterboxed():
    panels = [Panel("Wide", flat(1, (90, 160)), hero=True), Panel("Tall", flat(2, (160, 90)))]
    x0, y0, x1, y1 = box_of(codes(draw_sheet(panels, "Title")), colour(2))
    assert (x1 - x0) / (y1 - y0) == pytest.approx(9 / 16, rel=0.02)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 6, 11])
def test_any_number_of_panels(count):
    page = draw_sheet([Panel(f"Panel {k}", flat(k, (90, 160))) for k in range(count)], "Title")
    pixels = codes(page)
    for k in range(count):
        assert box_of(pixels, colour(k))[3] < page.height


@pytest.mark.parametrize("ratio", SIZES)
def test_legend_shows_every_class(ratio):
    page = draw_sheet(ten(SIZES[ratio]), "Title")
    pixels = np.asarray(page)[120:]  # below the line under the title, which has the colours too
    for _, value in LEGEND:
        assert (pixels == value).all(axis=2).sum() > 150


def test_a_long_legend_stays_on_the_page():
    legend = [(f"class number {k}", (k, 255 - k, 77)) for k in range(150)]
    page = np.asarray(draw_sheet([Panel("Map", flat(1, (90, 160)), legend=legend)], "Title"))
    swatches = page[120:][page[120:, :, 2] == 77]
    assert {(int(r), int(g)) for r, g, _ in np.unique(swatches, axis=0)} >= {(k, 255 - k) for k in range(150)}
    assert (page[:, 1920 - 62 :] == page[0, 0]).all()


def test_masks_grey_and_transparent_pictures():
    mask = np.zeros((90, 160), bool)
    mask[:, 80:] = True
    clear = np.zeros((90, 160, 4), np.uint8)
    clear[:, 80:] = (255, 0, 255, 255)
    panels = [Panel("Mask", mask), Panel("Grey", np.full((90, 160), 200, np.uint8)), Panel("Clear", clear)]
    page = codes(draw_sheet(panels, "Title"))
    box_of(page, (255, 255, 255))
    box_of(page, (200, 200, 200))
    x0, y0, x1, y1 = box_of(page, (255, 0, 255))
    assert (x1 - x0) / (y1 - y0) == pytest.approx(8 / 9, rel=0.05)


def test_words_that_the_font_lacks_do_not_become_boxes():
    def page(title):
        return draw_sheet([Panel("Map", flat(1, (90, 160)))], title).tobytes()

    assert page("1024 × 576 – Café") == page("1024 x 576 - Cafe")
    assert page("日本") == page("??")


def test_long_words_are_cut():
    panels = [Panel("L" * 300, flat(1, (90, 160)), "c" * 300)]
    page = np.asarray(draw_sheet(panels, "t" * 300, "s" * 300, "f" * 300))
    assert (page[:, 1920 - 62 :] == page[0, 0]).all()


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.float32), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8)],
)
def test_no_picture(image):
    with pytest.raises(InvalidInput, match="Panel 'Odd' is no picture"):
        draw_sheet([Panel("Odd", image)], "Title")


def test_no_panel():
    with pytest.raises(InvalidInput):
        draw_sheet([], "Title")


def test_written_file_is_the_page(tmp_path):
    path = tmp_path / "sheet.png"
    panels = ten(SIZES["16:9"])
    write_sheet(path, panels, "Title")
    with Image.open(path) as written:
        assert written.tobytes() == draw_sheet(panels, "Title").tobytes()
    assert [item.name for item in tmp_path.iterdir()] == ["sheet.png"]


def test_smaller_file_keeps_the_colours_of_the_legend(tmp_path):
    down, right = np.mgrid[0:180, 0:160]
    ramps = np.stack([down, right, (down * right) % 199], axis=-1).astype(np.uint8)
    panels = [Panel("Ramps", ramps, legend=LEGEND)]
    write_sheet(tmp_path / "large.png", panels, "Title")
    limit = (tmp_path / "large.png").stat().st_size // 2
    write_sheet(tmp_path / "small.png", panels, "Title", max_bytes=limit)
    assert (tmp_path / "small.png").stat().st_size <= limit
    with Image.open(tmp_path / "small.png") as small:
        pixels = codes(small.convert("RGB"))
        for _, value in LEGEND:
            box_of(pixels, value)


def test_impossible_limit_leaves_no_file(tmp_path):
    with pytest.raises(InvalidInput, match="fits in 100 bytes"):
        write_sheet(tmp_path / "sheet.png", ten(SIZES["16:9"]), "Title", max_bytes=100)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "none").write_text("in the way")
    with pytest.raises(StorageError, match="in the way"):
        write_sheet(tmp_path / "none" / "sheet.png", ten(SIZES["16:9"])[:1], "Title")


@pytest.mark.parametrize("size", [(8, 8192), (8192, 8), (1, 1)], ids=str)
def test_pictures_of_any_shape_make_a_page(size):
    page = draw_sheet([Panel(str(k), np.full((*size, 3), 200, np.uint8), hero=k == 0) for k in range(10)], "Title")
    assert page.width == 1920
    assert page.height < 8000
