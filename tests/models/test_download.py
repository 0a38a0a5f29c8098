"""``models pull`` against a hub on this machine."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import GenerateRequest, ModelOptions
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs
from bridge_server.models import places
from bridge_server.models.catalogue import Model, Source
from bridge_server.models.download import DownloadFailed, pull

from .conftest import CPU, scene
from .fake_hub import COMMIT, Hub, serving


@pytest.fixture
def hub(folder, monkeypatch):
    """Has the tiny model, and pickles that nobody asked for."""
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    model = folder / "tiny-sd15"
    files = {str(path.relative_to(model)): path.read_bytes() for path in model.rglob("*") if path.is_file()}
    files["unet/diffusion_pytorch_model.bin"] = b"a pickle"
    with serving(Hub("tiny/sd15", files)) as one:
        yield one


@pytest.fixture
def model(models) -> Model:
    source = Source(repo="tiny/sd15", revision="main", files=("*.json", "*/*.json", "*/*.safetensors"), size=0.001)
    return replace(models["tiny-sd15"], base=source, controls={}, licence_kind="conditional", licence="Some")


def test_what_is_pulled_can_be_used_offline(hub, model, tmp_path):
    assert pull(model, tmp_path, mirror=hub.address) == [model.base]
    place = places.locate(model.base, [tmp_path])
    assert place is not None
    assert place.name == COMMIT
    asked = len(hub.asked)
    picture = Diffusion(model, [tmp_path], CPU).make(
        Inputs(GenerateRequest(generator="", options=ModelOptions(2)), scene(), None, None), 1, lambda *_: None
    )
    assert picture.shape == (64, 64, 3)
    assert len(hub.asked) == asked
    assert pull(model, tmp_path, mirror=hub.address) == []


def test_only_what_the_catalogue_names_is_fetched(hub, model, tmp_path):
    pull(model, tmp_path, mirror=hub.address)
    assert not any(".bin" in path for path in hub.asked)
    assert not list(tmp_path.rglob("*.bin"))


def test_an_interrupted_download_goes_on(hub, model, tmp_path):
    hub.cut_after = 100_000
    try:
        pull(model, tmp_path, mirror=hub.address)
    except DownloadFailed as error:
        assert "pull again" in error.hint
        pull(model, tmp_path, mirror=hub.address)
    assert places.locate(model.base, [tmp_path]) is not None


def test_damaged_files_are_not_kept(hub, model, tmp_path):
    hub.damage = True
    with pytest.raises(DownloadFailed, match="damaged"):
        pull(model, tmp_path, mirror=hub.address)
    assert places.locate(model.base, [tmp_path]) is None
    hub.damage = False
    pull(model, tmp_path, mirror=hub.address)
    assert places.locate(model.base, [tmp_path]) is not None


def test_nothing_there_is_said(hub, model, tmp_path):
    missing = replace(model, base=replace(model.base, repo="tiny/none"))
    with pytest.raises(DownloadFailed, match="The hub has no tiny/none"):
        pull(missing, tmp_path, mirror=hub.address)


def test_no_connection_is_said(model, tmp_path):
    with pytest.raises(DownloadFailed, match=r"could not be fetched.*Check the connection"):
        pull(model, tmp_path, mirror="http://127.0.0.1:9")


def test_a_licence_that_is_not_allowed(hub, model, tmp_path):
    with pytest.raises(InvalidInput, match="is not allowed here"):
        pull(model, tmp_path, mirror=hub.address, licences=("commercial",))
    assert not hub.asked


def test_what_another_folder_has_is_not_fetched_again(hub, model, tmp_path):
    pull(model, tmp_path / "a", mirror=hub.address)
    shutil.rmtree(Path(tmp_path / "b"), ignore_errors=True)
    assert pull(model, tmp_path / "b", [tmp_path / "a"], mirror=hub.address) == []
