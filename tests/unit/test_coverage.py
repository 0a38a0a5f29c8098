"""Samples → coverage, against the plain way: every pixel's samples one by one."""

import numpy as np
import pytest

from blender_segaddon.core.coverage import RANKS, Coverage, gather, grouped, pixel_filter, sharp
from blender_segaddon.protocol.errors import InvalidInput


def slow(fine, factor, kernel, y, x):
    """{id: weight} of one pixel."""
    margin = (len(kernel) - factor) // 2
    weights = {}
    for dy, wy in enumerate(kernel):
        for dx, wx in enumerate(kernel):
            row = min(max(y * factor + dy - margin, 0), fine.shape[0] - 1)
            column = min(max(x * factor + dx - margin, 0), fine.shape[1] - 1)
            one = int(fine[row, column])
            weights[one] = weights.get(one, 0.0) + float(wy) * float(wx)
    return weights


@pytest.mark.parametrize("kind", ["BOX", "GAUSSIAN", "BLACKMAN_HARRIS"])
@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_gathering_agrees_with_the_plain_way(kind, factor):
    rng = np.random.default_rng(factor)
    fine = rng.integers(0, 4, (5 * factor, 7 * factor)).astype(np.uint32) * (rng.random((5 * factor, 7 * factor)) < 0.3)
    kernel = pixel_filter(kind, 1.5, factor)
    coverage = gather(fine.astype(np.uint32), factor, kernel)
    for y, x in np.ndindex(5, 7):
        expected = slow(fine, factor, kernel, y, x)
        ranks = zip(coverage.ids[y, x].tolist(), coverage.weights[y, x].tolist(), strict=True)
        got = {id: weight for id, weight in ranks if weight > 0}
        assert got == pytest.approx(expected, abs=1e-5)
        assert (np.diff(coverage.weights[y, x]) <= 0).all()
    assert coverage.samples == factor**2


def test_a_pixel_with_more_things_than_ranks_keeps_the_largest():
    fine = np.arange(16, dtype=np.uint32).reshape(4, 4)
    fine[:2] = 7
    coverage = gather(fine, 4, pixel_filter("BOX", 1, 4))
    assert coverage.ids.shape == (1, 1, RANKS) and coverage.ids[0, 0, 0] == 7
    assert coverage.weights[0, 0].sum() == pytest.approx((8 + RANKS - 1) / 16)


def test_filters_are_those_of_cycles():
    assert pixel_filter("BOX", 9.0, 4) == pytest.approx(np.full(4, 0.25))
    # At the width of 1.5 that Blender starts with; Gauss: a quarter of the width.
    for kind, sigma in (("GAUSSIAN", 0.375), ("BLACKMAN_HARRIS", 0.413)):
        fine = pixel_filter(kind, 1.5, 64)
        at = (np.arange(len(fine)) + 0.5 - len(fine) / 2) / 64
        assert fine.sum() == pytest.approx(1) and np.allclose(fine, fine[::-1])
        assert float((fine * at**2).sum()) ** 0.5 == pytest.approx(sigma, abs=0.01)
    with pytest.raises(InvalidInput, match="BOX"):
        pixel_filter("TRIANGLE", 1, 2)


def test_mattes_and_groups():
    ids = np.array([[[1, 2, 3, 0], [4, 0, 0, 0]]], np.uint32)
    weights = np.array([[[0.4, 0.3, 0.2, 0.1], [1, 0, 0, 0]]], np.float32)
    coverage = Coverage(ids, weights, 16)
    assert coverage.matte(2, 3) == pytest.approx(np.array([[0.5, 0]]))
    assert coverage.matte(0) == pytest.approx(np.array([[0.1, 0]]))
    assert coverage.matte(99).max() == 0
    groups = grouped(coverage, np.array([0, 1, 2, 2, 1], np.uint32))
    assert groups.ids.tolist() == [[[2, 1, 0, 0], [1, 0, 0, 0]]]
    assert groups.weights == pytest.approx(np.array([[[0.5, 0.4, 0.1, 0], [1, 0, 0, 0]]]))
    assert coverage.weights.sum() == pytest.approx(2)  # its arrays were not touched


def test_without_coverage_a_matte_is_the_mask():
    ids = np.array([[0, 1], [2, 1]], np.uint32)
    assert np.array_equal(sharp(ids).matte(1), (ids == 1).astype(np.float32))
    assert grouped(sharp(ids), np.array([0, 5, 5], np.uint32)).ids[..., 0].tolist() == [[0, 5], [5, 5]]


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match="fit"):
        gather(np.zeros((5, 4), np.uint32), 2, pixel_filter("BOX", 1, 2))
