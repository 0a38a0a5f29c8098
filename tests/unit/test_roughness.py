"""Roughness by class."""

from __future__ import annotations

import pytest

from blender_segaddon.core.roughness import FAMILIES, ROUGH, roughness_of
from blender_segaddon.core.vocabulary import load


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("windowpane", 0.05),
        ("mirror-stuff", 0.05),
        ("swimming pool", 0.05),
        ("pool table", 0.6),
        ("screen door", 0.6),
        ("wine glass", 0.05),
        ("wall-tile", 0.3),
        ("Car", 0.3),
        ("wall", ROUGH),
        ("tree-merged", ROUGH),
        ("", ROUGH),
        (None, ROUGH),
    ],
)
def test_a_class_is_as_rough_as_its_family(name, value):
    assert roughness_of(name) == value


def test_every_family_has_classes_of_both_vocabularies():
    for vocabulary in ("ade20k", "coco_panoptic"):
        assert {roughness_of(one.name) for one in load(vocabulary).classes} == {*FAMILIES, ROUGH}
