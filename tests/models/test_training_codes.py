"""The control picture's colours, told apart before a training begins."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from blender_segaddon.core.vocabulary import load
from scripts.train import codes
from scripts.train.drawing import Drawing


def test_every_class_has_a_code_and_its_colour_is_read_from_it():
    torch.manual_seed(0)
    palette = torch.unique(torch.from_numpy(load("ade20k").palette.copy()), dim=0)[:60].float() / 255
    looks = torch.rand(len(palette), 3) - 0.5
    looks[7] = torch.nan
    reader = Drawing().control.controlnet_cond_embedding
    codes.teach(reader, palette, looks)
    with torch.no_grad():
        found = reader(palette.T[None, :, None].expand(-1, -1, 3, -1))[0, :, 1].T
    apart = torch.cdist(found, found) + 1e3 * torch.eye(len(found))
    assert apart.min() > 1.0
    assert _unread(found, looks) < 0.7 * _unread(palette, looks)


def _unread(codes: torch.Tensor, looks: torch.Tensor) -> float:
    """What is left of the looks when the best linear reading of the codes is taken off."""
    known = looks.isfinite().all(1)
    given = nn.functional.pad(codes[known], (0, 1), value=1.0)
    return float((given @ torch.linalg.lstsq(given, looks[known]).solution - looks[known]).abs().mean())


def test_the_mean_colour_of_a_class_is_that_of_its_pixels_and_a_rare_one_has_none():
    classes = np.zeros((1, 20, 20), np.uint8)
    classes[0, :10] = 3
    classes[0, 0, 0] = 9
    pictures = np.zeros((1, 20, 20, 3))
    pictures[0, :10] = (1.0, 0.5, 0.25)
    means = codes.mean_colours(pictures, classes)
    assert means.shape == (256, 3)
    assert np.allclose(means[3], (1.0, 0.5, 0.25))
    assert (means[0] == 0).all() and np.isnan(means[9]).all() and np.isnan(means[200]).all()
