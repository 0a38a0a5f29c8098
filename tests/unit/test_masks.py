import numpy as np
import pytest

from blender_segaddon.core import masks, regions
from blender_segaddon.protocol.errors import InvalidInput


def blobs(seed: int = 3) -> np.ndarray:
    """bool 37×53 with a few blobs, also at the border."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((37, 53), bool)
    for y, x in rng.integers(0, (37, 53), (6, 2)):
        mask[max(0, y - 2) : y + 3, max(0, x - 1) : x + 4] = True
    return mask


def dilate_plainly(mask: np.ndarray, radius: int) -> np.ndarray:
    """The definition, one True pixel at a time."""
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    grown = np.zeros_like(mask)
    for v, u in np.argwhere(mask):
        grown |= (y - v) ** 2 + (x - u) ** 2 <= radius * radius
    return grown


@pytest.mark.parametrize("radius", [0, 1, 2, 5, 13, 80])
def test_dilate_and_erode_are_euclidean(radius):
    mask = blobs()
    assert np.array_equal(masks.dilate(mask, radius), dilate_plainly(mask, radius))
    wide = dilate_plainly(mask, 4)
    assert np.array_equal(masks.erode(wide, radius), ~dilate_plainly(~wide, radius))


def test_empty_and_full_masks():
    empty, full = np.zeros((5, 7), bool), np.ones((5, 7), bool)
    assert not masks.dilate(empty, 3).any() and not masks.erode(empty, 3).any()
    assert masks.dilate(full, 3).all() and masks.erode(full, 3).all()
    assert (masks.feather(full, 3) == 1).all() and (masks.feather(empty, 3) == 0).all()
    assert masks.bbox(empty) is None


@pytest.mark.parametrize("change", [masks.dilate, masks.erode, masks.feather])
def test_negative_radius_is_refused(change):
    with pytest.raises(InvalidInput, match="-1 pixels"):
        change(blobs(), -1)


def test_from_ids_and_bbox():
    ids = np.array([[0, 1, 2], [3, 2, 2]], np.uint32)
    assert np.array_equal(masks.from_ids(ids, [2, 999, -1]), ids == 2)
    assert not masks.from_ids(ids, []).any()
    assert masks.bbox(ids == 2) == (1, 0, 3, 2)


@pytest.mark.parametrize("radius", [0, 1, 2, 7])
def test_feather_changes_only_the_edge(radius):
    mask = np.zeros((40, 50), bool)
    mask[12:30, 0:33] = True
    soft = masks.feather(mask, radius)
    assert soft.dtype == np.float32 and soft.min() == 0 and soft.max() == 1
    inner, outer = np.zeros_like(mask), np.zeros_like(mask)
    inner[12 + radius : 30 - radius, 0 : 33 - radius] = True
    outer[12 - radius : 30 + radius, 0 : 33 + radius] = True
    assert (soft[inner] == 1).all() and (soft[~outer] == 0).all()
    row = soft[20].astype(float)
    assert (np.diff(row) <= 0).all() and soft[:, 0].max() == 1
    assert abs(row.sum() - mask[20].sum()) < 1e-3


@pytest.mark.parametrize("radius", [8, 11, 16, 23, 31, 40, 64])
@pytest.mark.parametrize("size", [(257, 300), (64, 500)])
def test_wide_edges_are_soft_and_end_where_they_should(radius, size):
    """From a radius of 8 on the blur is one of blocks."""
    rng = np.random.default_rng(radius)
    for _ in range(4):
        x0, y0 = rng.integers(0, size[1]), rng.integers(0, size[0])
        mask = np.zeros(size, bool)
        mask[y0 : y0 + rng.integers(1, 200), x0 : x0 + rng.integers(1, 200)] = True
        soft = masks.feather(mask, radius)
        rows, columns = np.nonzero(mask)
        outer = np.zeros(size, bool)
        top, left = max(0, rows.min() - radius), max(0, columns.min() - radius)
        outer[top : rows.max() + radius + 1, left : columns.max() + radius + 1] = True
        assert (soft[~outer] == 0).all() and soft.min() >= 0 and soft.max() <= 1
        assert (masks.feather(~mask, radius)[~outer] == 1).all()
        assert np.abs(np.diff(soft, axis=1)).max() <= 2.5 / radius  # no steps
    half = np.zeros((8, 400), bool)
    half[:, :200] = True
    edge = masks.feather(half, radius)[4].astype(float)
    assert (np.diff(edge) <= 0).all() and abs(edge.sum() - 200) < 0.5
    assert 0.02 < edge[200 + radius // 2] < 0.25


def test_composite_leaves_everything_outside_alone():
    rng = np.random.default_rng(1)
    original, painted = rng.integers(0, 256, (2, 40, 50, 3)).astype(np.uint8)
    mask = np.zeros((40, 50), bool)
    mask[10:20, 10:30] = True
    alpha = masks.feather(mask, 4)
    result = masks.composite(original, painted, alpha)
    assert np.array_equal(result[alpha == 0], original[alpha == 0])
    assert np.array_equal(result[alpha == 1], painted[alpha == 1])
    low, high = np.minimum(original, painted), np.maximum(original, painted)
    assert ((low <= result) & (result <= high)).all() and (result != original).any()
    hard = masks.composite(original, painted, mask)
    assert np.array_equal(hard, np.where(mask[..., None], painted, original))


def test_composite_of_floats_keeps_bits():
    original = np.full((2, 2, 4), 0.1, np.float32)
    result = masks.composite(original, np.ones_like(original), np.array([[0, 0.5], [1, 0]], np.float32))
    assert result.dtype == np.float32 and (result[0, 0] == original[0, 0]).all()
    assert np.allclose(result[0, 1], 0.55) and (result[1, 0] == 1).all()


def test_composite_refuses_what_does_not_fit():
    picture = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(InvalidInput, match="do not fit"):
        masks.composite(picture, picture[:3], np.ones((4, 4), bool))


def test_combining():
    a, b = blobs(1), blobs(2)
    assert np.array_equal(masks.combine([a, b]), a | b)
    assert np.array_equal(masks.combine([a, b, b], "subtract"), a & ~b)
    assert np.array_equal(masks.combine(iter([a, b]), "intersect"), a & b)
    assert np.array_equal(masks.invert(a), ~a)
    with pytest.raises(InvalidInput, match="no mask"):
        masks.combine([])
    with pytest.raises(InvalidInput, match="Choose one of: add, subtract, intersect"):
        masks.combine([a], "xor")
    with pytest.raises(InvalidInput, match="do not fit"):
        masks.combine([a, b[1:]])
    with pytest.raises(InvalidInput, match="boolean"):
        masks.combine([a.astype(float)])


def test_from_alpha():
    picture = np.zeros((2, 2, 4), np.uint8)
    picture[0, :, 3] = (127, 128)
    assert masks.from_alpha(picture).tolist() == [[False, True], [False, False]]
    with pytest.raises(InvalidInput, match="no alpha"):
        masks.from_alpha(picture[..., :3])


def label_plainly(mask: np.ndarray, corners: bool) -> list[set[tuple[int, int]]]:
    """Connected parts by flood fill."""
    left, parts = {tuple(one) for one in np.argwhere(mask)}, []
    steps = [(0, 1), (0, -1), (1, 0), (-1, 0)] + [(1, 1), (1, -1), (-1, 1), (-1, -1)] * corners
    while left:
        part = todo = {left.pop()}
        while todo:
            todo = {(y + v, x + u) for y, x in todo for v, u in steps} & left
            left -= todo
            part = part | todo
        parts.append(part)
    return parts


@pytest.mark.parametrize("seed", range(6))
def test_holes_and_islands(seed):
    mask = np.random.default_rng(seed).random((19, 23)) < (0.35, 0.6)[seed % 2]
    for area in (0, 1, 3, None):
        expected = mask.copy()
        for part in label_plainly(~mask, corners=False):
            enclosed = all(0 < y < 18 and 0 < x < 22 for y, x in part)
            if enclosed and (area is None or len(part) <= area):
                expected[tuple(np.array(list(part)).T)] = True
        assert np.array_equal(regions.fill_holes(mask, area), expected)
    for area in (0, 1, 3):
        expected = np.zeros_like(mask)
        for part in label_plainly(mask, corners=True):
            if len(part) > area:
                expected[tuple(np.array(list(part)).T)] = True
        assert np.array_equal(regions.remove_islands(mask, area), expected)
    largest = max(len(part) for part in label_plainly(mask, corners=True))
    assert regions.remove_islands(mask).sum() == largest


def test_holes_and_islands_of_nothing_and_of_all():
    for mask in (np.zeros((3, 5), bool), np.ones((3, 5), bool)):
        assert np.array_equal(regions.fill_holes(mask), mask)
        assert np.array_equal(regions.remove_islands(mask), mask)
    with pytest.raises(InvalidInput, match="-1"):
        regions.fill_holes(mask, -1)
