"""Inpainting over the real socket: types, sizes and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blender_segaddon.client import Bridge
from blender_segaddon.core.wire import scene_to_wire
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.framing import BodyWriter
from blender_segaddon.protocol.messages import GenerateRequest

from ..unit.test_protocol_wire import some_maps

MASK = np.zeros((24, 32), bool)
MASK[4:9, 5:20] = True


def ask(bridge: Bridge, generator: str, image: np.ndarray, **more: Any) -> np.ndarray:
    writer = BodyWriter()
    scene = scene_to_wire(some_maps(24, 32), writer)
    refs = {"image": writer.add(image), "mask": writer.add(MASK, compress=True)}
    _, (out,) = bridge.run(writer.finish(GenerateRequest(generator, scene=scene, **refs, **more)))
    return out


@pytest.mark.parametrize("generator", ["preview", "classical"])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_bytes_give_bytes_and_floats_give_floats(shared: Bridge, generator: str, kind: type):
    image = (np.random.default_rng(3).random((24, 32, 3)) * (255 if kind == np.uint8 else 1)).astype(kind)
    out = ask(shared, generator, image, intent="remove")
    assert out.dtype == kind and (out[~MASK] == image[~MASK]).all() and (out[MASK] != image[MASK]).any()


def test_softness_runs_out_beyond_the_mask(shared: Bridge):
    image = np.random.default_rng(3).random((24, 32, 3)).astype(np.float32)
    changed = (ask(shared, "classical", image, intent="remove", softness=4.0) != image).any(-1)
    assert (changed & ~MASK).any() and not changed[14:].any()


def test_numbers_that_are_none_are_refused(shared: Bridge):
    with pytest.raises(InvalidInput, match="not numbers"):
        ask(shared, "classical", np.full((24, 32, 3), np.nan, np.float32), intent="remove")
    with pytest.raises(InvalidInput, match="cannot replace"):
        ask(shared, "classical", np.zeros((24, 32, 3), np.uint8))
