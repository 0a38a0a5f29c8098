"""Less memory, the same picture; and which way is chosen.

What moves parts to and from a GPU ("offload", "sequential") can only be tried with one.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from blender_segaddon.protocol.messages import Control, GenerateRequest, LoraUse, ModelOptions
from bridge_server import execution
from bridge_server.generation import sparing
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs
from bridge_server.models import memory
from bridge_server.models.loading import MODES

from .conftest import CPU, scene

GIB = 2**30


def make(diffusion, mode: str, *loras: LoraUse) -> np.ndarray:
    kind = diffusion.model.kinds[0]
    options = ModelOptions(3, controls=(Control(kind),), loras=loras)  # pyright: ignore[reportArgumentType]
    request = GenerateRequest(generator="", prompt="a street", options=options)
    return diffusion.make(Inputs(request, scene(texts=("a red door", "")), None, None), 1, lambda *_: None, mode)


@pytest.mark.parametrize("name", ["tiny-sd15", "tiny-sdxl", "tiny-zimage", "tiny-flux2"])
def test_modes_give_the_same_picture_within_their_tolerance(models, folder, name):
    diffusion = Diffusion(models[name], [folder], CPU)
    fast = make(diffusion, "fast").astype(int)
    assert abs(make(diffusion, "tiled") - fast).max() == 0, "a picture of one tile"
    assert abs(make(diffusion, "group") - fast).max() <= 1
    if name != "tiny-zimage":
        coarse = make(diffusion, "fp8") - fast
        assert 0 < abs(coarse).mean() < 12, "eight bits are near, and not the same"
    assert abs(make(diffusion, "fast") - fast).max() == 0, "what eight bits lost comes back from the files"


def test_needs_fall_from_mode_to_mode():
    needs = sparing.needs(11 * GIB, [5 * GIB, 2 * GIB, GIB])
    assert needs[0] == 11 * GIB
    assert list(needs) == sorted(needs, reverse=True) and len(set(needs)) == len(MODES)
    assert sparing.needs(0, [GIB]) == (0,) * len(MODES), "nobody measured it"


def test_the_first_mode_that_fits_is_chosen():
    needs = (11, 9, 6, 4, 3, 1)
    assert [memory.choose(needs, room) for room in (24, 11, 10, 8, 5, 3, 2, 1)] == [0, 0, 1, 2, 3, 4, 5, 5]
    assert memory.choose(needs, 0) == 0, "the system does not say"
    assert memory.choose((0, 0), 5) == 0


def test_what_a_model_holds_counts_as_free_for_it(models, folder):
    diffusion = Diffusion(models["tiny-sd15"], [folder], CPU)
    assert diffusion.held() > 1e6
    assert memory.room("cpu", 8 * GIB) - memory.room("cpu", 0) > 7 * GIB


def test_memory_that_torch_cannot_get_is_out_of_memory():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    told = execution.explain(caught.value)
    assert told["code"] == "gpu_oom" and told["hint"]
