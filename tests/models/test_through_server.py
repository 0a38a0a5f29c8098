"""Models through the real server: what is wrong with them is a code and a hint, and the next job works."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from blender_segaddon.client import Bridge
from blender_segaddon.core.wire import scene_to_wire
from blender_segaddon.protocol.errors import InvalidInput, SegAddonError
from blender_segaddon.protocol.framing import BodyWriter
from blender_segaddon.protocol.messages import GenerateRequest, ModelOptions, Reference
from bridge_server.generators import Offer

from .conftest import scene

ENTRY = """
[{name}]
family = "sd15"
native = 64
title = "{name}"
base = {{ path = "{name}" }}
controls = {{}}
"""


def _damaged(place: Path) -> None:
    weights = place / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def _pickled(place: Path) -> None:
    for path in [*place.rglob("*.safetensors")]:
        torch.save({}, path.with_suffix(".bin"))
        path.unlink()


def _not_numbers(place: Path) -> None:
    weights = place / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    tensors["conv_out.bias"].fill_(float("nan"))
    save_file(tensors, weights, {"format": "pt"})


SPOILED = {"damaged": _damaged, "pickled": _pickled, "not-numbers": _not_numbers}


@pytest.fixture(scope="module")
def bridge(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    own = tmp_path_factory.mktemp("spoiled")
    for name, spoil in SPOILED.items():
        shutil.copytree(folder / "tiny-sd15", own / name)
        spoil(own / name)
    (own / "models.toml").write_text("".join(ENTRY.format(name=name) for name in SPOILED))
    with _server(tmp_path_factory.mktemp("home"), folder, own) as one:
        yield one


def _server(home: Path, *folders: Path) -> Bridge:
    os.environ["SEGADDON_MODELS_DIRS"] = os.pathsep.join(map(str, folders))
    os.environ["SEGADDON_CONFIG"] = os.devnull
    os.environ["OMP_NUM_THREADS"] = "1"  # of the server's worker: more are slower on a busy machine
    return Bridge(state_dir=home, server_command=[sys.executable, "-m", "bridge_server"], end_with_us=True)


def run(bridge: Bridge, generator: str, *, reference: np.ndarray | None = None, count: int = 1, **options):
    writer = BodyWriter()
    maps = scene_to_wire(scene(texts=("a red door", "")), writer)
    references = () if reference is None else (Reference(writer.add(reference), 1.0, (2,)),)
    request = GenerateRequest(
        generator,
        "a street",
        scene=maps,
        count=count,
        seed=5,
        references=references,
        options=ModelOptions(2, **options),
    )
    return bridge.run(writer.finish(request))


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("none-such", "invalid_input", "tiny-sd15"),
        ("damaged", "model_damaged", "damaged"),
        ("pickled", "model_damaged", "pickles"),
        ("not-numbers", "black_picture", "Use another seed"),
    ],
)
def test_what_is_wrong_is_said_and_the_next_job_works(bridge, name, code, said):
    with pytest.raises(SegAddonError, match=said) as caught:
        run(bridge, name)
    assert getattr(caught.value, "job_code", caught.value.code) == code
    assert caught.value.hint
    assert run(bridge, "tiny-sd15")[1][0].any()


def test_a_candidate_made_again_alone_is_the_same(bridge):
    result, pictures = run(bridge, "tiny-sd15", count=3)
    assert result.seeds == (5, 6, 7)
    assert result.metadata["batch"] == "1"
    _, again = run(bridge, "tiny-sd15")
    assert (again[0] == pictures[0]).all()
    assert (pictures[1] != pictures[0]).any()


def test_the_record_is_whole(bridge):
    result, _ = run(bridge, "tiny-sd15", reference=np.full((40, 30, 3), 200, np.uint8))
    told = result.metadata
    assert told["regions"] == '["a red door"]'
    assert told["model"] == "tiny-sd15" and told["scheduler"] == "UniPCMultistepScheduler"
    assert told["controls"].startswith("segmentation 1") and len(told["maps"]) == 16
    assert told["steps"] == "2" and told["mode"] == "fast" and told["references"].endswith(" 1")
    assert {"torch", "diffusers", "device", "precision", "revisions", "guidance"} <= set(told)


def test_a_reference_travels_and_acts(bridge):
    plain = run(bridge, "tiny-sd15")[1][0]
    seen = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    assert (run(bridge, "tiny-sd15", reference=seen)[1][0] != plain).any()


def test_the_server_tells_what_its_models_are(bridge):
    models = {one.id: one for one in bridge.info().models}
    assert models["tiny-sd15"].guided and not models["tiny-sdxl-lightning"].guided
    assert models["tiny-zimage"].controls == models["tiny-flux2"].controls == ("depth", "lineart")
    assert models["tiny-flux2"].references and not models["tiny-zimage"].references


def test_a_model_that_is_not_here_is_said_before_the_job_begins(bridge):
    with pytest.raises(SegAddonError, match="models pull sd15-seg") as refused:
        run(bridge, "sd15-seg")
    assert refused.value.code == "model_missing"


def test_a_wrong_palette_is_said_and_what_needs_no_model_works(tmp_path):
    (tmp_path / "models.toml").write_text(ENTRY.format(name="odd").replace("native", 'palette = "rainbow"\nnative'))
    offer = Offer(models_dirs=(tmp_path,))
    with pytest.raises(InvalidInput, match="'rainbow' is not one of"):
        offer.find("odd")
    assert offer.find("preview")


def test_a_wrong_palette_is_said_by_the_job_and_the_next_one_works(bridge):
    file = Path(os.environ["SEGADDON_MODELS_DIRS"].split(os.pathsep)[1]) / "models.toml"
    right = file.read_text()
    file.write_text(right.replace("native", 'palette = "rainbow"\nnative', 1))
    try:
        with pytest.raises(SegAddonError, match="'rainbow' is not one of") as caught:
            run(bridge, "tiny-sd15")
        assert caught.value.hint
    finally:
        file.write_text(right)
    assert run(bridge, "tiny-sd15")[1][0].any()


def test_a_broken_list_of_models_is_said_by_what_asks_for_one_and_the_server_lives(tmp_path, monkeypatch):
    own = tmp_path / "models"
    own.mkdir()
    (own / "models.toml").write_text("[odd\n")
    for name in ("SEGADDON_MODELS_DIRS", "SEGADDON_CONFIG", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "")  # given back afterwards
    with _server(tmp_path / "home", own) as one:
        info = one.ensure_running()
        assert "preview" in info.generators and info.models == ()
        with pytest.raises(SegAddonError, match=r"models\.toml"):
            run(one, "odd")
