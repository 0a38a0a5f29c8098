"""The small image encoder: what it spreads stays within borders, and its weights load as any others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridge_server.segmentation import checkpoint, small_encoder
from bridge_server.segmentation.sam import Sam
from scripts.train import sam

_FAR = 1e4
"""a border that nothing passes"""


def test_what_is_spread_becomes_alike_within_borders_and_does_not_pass_them():
    codes = torch.randn(1, 3, 12, 16, generator=torch.Generator().manual_seed(0))
    across, down = torch.zeros(1, 12, 15), torch.zeros(1, 11, 16)
    across[:, :, 6] = _FAR  # two things side by side
    spread = small_encoder._spread(codes, across, down)
    for part, whole in ((spread[..., :7], codes[..., :7]), (spread[..., 7:], codes[..., 7:])):
        assert (part - whole.mean((2, 3), keepdim=True)).abs().max() < 1e-5
    open_ = small_encoder._spread(codes, torch.zeros(1, 12, 15), down)
    assert (open_ - codes.mean((2, 3), keepdim=True)).abs().max() < 1e-5


def test_a_thing_with_a_corner_becomes_alike_too():
    thing = torch.zeros(12, 12, dtype=torch.bool)
    thing[2:10, 2:4] = thing[8:10, 2:10] = True
    across, down = ((thing[:, 1:] != thing[:, :-1]) * _FAR)[None], ((thing[1:] != thing[:-1]) * _FAR)[None]
    codes = torch.randn(1, 8, 12, 12, generator=torch.Generator().manual_seed(1))
    spread = small_encoder._spread(codes, across, down)[0, :, thing]
    assert spread.std(1).max() < 0.15 * codes[0, :, thing].std(1).min()


@pytest.mark.parametrize("side", [64, 96])
def test_other_sides_work_with_the_same_weights(side):
    encoder = small_encoder.SmallEncoder(64, 8, 32, (16, 16, 16, 16, 16), (1, 1, 1, 1, 2)).eval()
    with torch.inference_mode():
        assert encoder(torch.randn(2, 3, side, side)).shape == (2, 32, side // 8, side // 8)


def test_the_door_knows_its_sizes():
    torch.manual_seed(3)
    encoder = small_encoder.SmallEncoder(64, 8, 32, (16, 24, 32, 16, 48), (1, 2, 1, 1, 3), waves=5, own=7)
    state = {f"image_encoder.{name}": value for name, value in encoder.state_dict().items()}
    again = small_encoder.SmallEncoder.like(state)
    again.load_state_dict(encoder.state_dict())
    picture = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(again(picture), encoder(picture))
    assert again.img_size == 64


def test_a_checkpoint_of_the_training_loads_as_any_other(tmp_path):
    torch.manual_seed(4)
    net = sam.network().eval()
    path = tmp_path / "some.pth"
    torch.save(net.state_dict(), path)
    segmenter = Sam(path, "cpu")
    assert segmenter.native == sam.SIDE
    picture = np.random.default_rng(0).integers(0, 256, (sam.SIDE, sam.SIDE, 3), dtype=np.uint8)
    shown = net.preprocess(torch.from_numpy(picture).permute(2, 0, 1)[None])
    with torch.inference_mode():
        assert torch.equal(checkpoint.load(path, "cpu").image_encoder(shown), net.image_encoder(shown))


def test_a_checkpoint_that_lacks_a_part_is_told_of(tmp_path):
    state = sam.network().state_dict()
    del state["image_encoder.fold.weight"]
    torch.save(state, tmp_path / "part.pth")
    with pytest.raises(checkpoint.CheckpointDamaged, match=r"part\.pth"):
        checkpoint.load(tmp_path / "part.pth", "cpu")
