"""How large a model draws a picture of any size."""

from __future__ import annotations

import pytest

from blender_segaddon.core.passes import sizes


@pytest.mark.parametrize(
    ("size", "native", "expected"),
    [
        ((512, 512), 512, ((512, 512),)),
        ((560, 560), 512, ((560, 560),)),  # nearly the native count
        ((1920, 1080), 512, ((683, 384), (1920, 1080))),
        ((1920, 1080), 1024, ((1365, 768), (1920, 1080))),
        ((64, 64), 512, ((512, 512),)),  # drawn larger, then reduced
        ((1, 300), 64, ((8, 1109),)),
    ],
)
def test_passes(size, native, expected):
    assert sizes(size, native) == expected
    assert sizes(size, native, draft=True) == expected[:1]
