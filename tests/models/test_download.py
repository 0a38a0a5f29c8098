"""Getting models from a hub on this machine: ``pull``, and the commands as people run them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import GenerateRequest, ModelOptions
from bridge_server import segmenters
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs, Offer
from bridge_server.models import download, places
from bridge_server.models.catalogue import Model, Source
from bridge_server.models.download import DownloadFailed, pull
from bridge_server.models.library import Library
from scripts.lib.tiny_segmenters import write_detector, write_sam2

from .conftest import CPU, scene
from .fake_hub import COMMIT, Hub, serving

REPOSITORY = Path(__file__).resolve().parents[2]
LARGE = "more/weights.safetensors"
CHUNK = 10 << 20
"""Bytes that the hub's client writes at a time."""


@pytest.fixture
def hub(folder, monkeypatch):
    """Has the tiny model, and pickles that nobody asked for."""
    monkeypatch.setattr(download, "_SPARE", 0.0)
    model = folder / "tiny-sd15"
    files = {str(path.relative_to(model)): path.read_bytes() for path in model.rglob("*") if path.is_file()}
    files["unet/diffusion_pytorch_model.bin"] = b"a pickle"
    with serving(Hub("tiny/sd15", files)) as one:
        yield one


@pytest.fixture
def large(hub) -> None:
    """The hub has a file of several chunks besides."""
    hub.files[LARGE] = os.urandom(CHUNK * 5 // 2)


@pytest.fixture
def model(models) -> Model:
    source = Source(repo="tiny/sd15", revision="main", files=("*.json", "*.safetensors"), size=0.001)
    return replace(models["tiny-sd15"], base=source, controls={}, adapter=None, licence_kind="conditional")


@pytest.fixture
def command(tmp_path, hub):
    """``segaddon-bridge models`` for somebody whose own models.toml names the hub's model; the finished process."""
    config = tmp_path / "config" / "segaddon"
    config.mkdir(parents=True)
    (config / "models.toml").write_text(
        '[mine]\nfamily = "sd15"\nnative = 64\nlicence_kind = "non-commercial"\n'
        'base = { repo = "tiny/sd15", files = ["*.json", "*.safetensors"], size = 0.003 }\n'
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SEGADDON_", "HF_"))}
    environ |= {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}
    environ |= {"HF_HOME": str(tmp_path / "hf"), "SEGADDON_MODEL_MIRROR": hub.address}
    start = [sys.executable, "-m", "bridge_server", "models"]

    def run(*arguments: str, wait: bool = True, **more: str):
        options = {"cwd": REPOSITORY, "env": environ | more, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([*start, *arguments], text=True, **options)
        if not wait:
            return process
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(start, process.returncode, out, err)

    return run


def test_what_is_pulled_can_be_used_offline(hub, model, tmp_path):
    told = []
    assert pull(model, tmp_path, mirror=hub.address, on_bytes=lambda *numbers: told.append(numbers)) == [model.base]
    place = places.locate(model.base, [tmp_path])
    assert place is not None
    assert place.name == COMMIT
    size = sum(len(data) for name, data in hub.files.items() if name.endswith((".json", ".safetensors")))
    assert told[-1] == ("tiny/sd15", size, 0, size)
    asked = len(hub.asked)
    drawer = Diffusion(model, [tmp_path], CPU)
    inputs = Inputs(GenerateRequest(generator="", options=ModelOptions(2)), scene(), None, None)
    assert drawer.make(inputs, 1, lambda *_: None).shape == (64, 64, 3)
    assert drawer.describe(inputs)["revisions"] == f"tiny/sd15@{COMMIT}"
    assert pull(model, tmp_path, mirror=hub.address) == []
    assert len(hub.asked) == asked


@pytest.mark.parametrize(
    ("name", "write", "kind"),
    [("sam2.1-hiera-tiny", write_sam2, "sam2"), ("grounding-dino-tiny", write_detector, "detector")],
)
def test_what_makes_masks_is_pulled_and_found(monkeypatch, tmp_path, name, write, kind):
    monkeypatch.setattr(download, "_SPARE", 0.0)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    write(tmp_path / "made")
    files = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    library = Library((tmp_path / "models",))
    model = library.find(name)
    with serving(Hub(model.base.repo, files)) as hub:
        assert pull(model, tmp_path / "models", mirror=hub.address) == [model.base]
    assert library.entry(model).state == "here"
    assert (name, kind) in [(one.name, one.kind) for one in segmenters.available((tmp_path / "models",))]
    generators = Offer(models_dirs=(tmp_path / "models",))
    assert name not in [one.id for one in generators.models()]
    with pytest.raises(InvalidInput, match="There is no generator"):
        generators.find(name)


def test_only_what_the_catalogue_names_is_fetched(hub, model, tmp_path):
    pull(model, tmp_path, mirror=hub.address)
    assert not any(".bin" in path for path in hub.asked)
    assert not list(tmp_path.rglob("*.bin"))


def test_a_repository_without_named_files_is_fetched_without_pickles(hub, model, tmp_path):
    pull(replace(model, base=replace(model.base, files=())), tmp_path, mirror=hub.address)
    assert places.locate(model.base, [tmp_path]) is not None
    assert not any(".bin" in path for path in hub.asked)


def test_a_killed_download_goes_on_where_it_stopped(hub, large, command, tmp_path):
    hub.pause_after = (LARGE, CHUNK * 9 // 4)
    process = command("pull", "mine", wait=False)
    assert hub.paused.wait(30)
    until_written(tmp_path, 2 * CHUNK)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    hub.pause_after = None
    hub.go_on.set()
    assert not list(tmp_path.rglob("snapshots"))
    assert command("pull", "mine").returncode == 0
    assert hub.ranges == [f"{LARGE} from {2 * CHUNK}"]
    assert (tmp_path / "data/segaddon/models/hub/models--tiny--sd15/refs/main").read_text() == COMMIT


def until_written(folder: Path, size: int) -> None:
    end = time.monotonic() + 20
    while not any(path.stat().st_size >= size for path in folder.rglob("*.partial")):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_connection_that_breaks_is_taken_up_again(hub, large, model, tmp_path):
    hub.cut_after = CHUNK * 9 // 4
    pull(model, tmp_path, mirror=hub.address)
    assert hub.ranges == [f"{LARGE} from {2 * CHUNK}"]
    assert places.locate(model.base, [tmp_path]) is not None


def test_damaged_files_are_not_kept(hub, model, tmp_path):
    hub.damage = True
    with pytest.raises(DownloadFailed, match="damaged"):
        pull(model, tmp_path, mirror=hub.address)
    assert places.locate(model.base, [tmp_path]) is None
    hub.damage = False
    pull(model, tmp_path, mirror=hub.address)
    assert places.locate(model.base, [tmp_path]) is not None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("GatedRepo", "has accepted|have accepted.*https://huggingface.co/tiny/sd15.*HF_TOKEN"),
        ("RepoNotFound", "The hub has no tiny/sd15"),
        ("RevisionNotFound", "no revision 'main'"),
    ],
)
def test_what_the_hub_refuses_is_said(hub, model, tmp_path, code, text):
    hub.refuse = code
    with pytest.raises(DownloadFailed, match=text):
        pull(model, tmp_path, mirror=hub.address)


def test_a_file_that_the_repository_lacks_is_said_before_anything_is_fetched(hub, model, tmp_path):
    with pytest.raises(DownloadFailed, match=r"tiny/sd15 has no \*\.onnx"):
        pull(replace(model, base=replace(model.base, files=("*.json", "*.onnx"))), tmp_path, mirror=hub.address)
    assert not any("/resolve/" in path for path in hub.asked)


def test_no_connection_is_said(model, tmp_path):
    with pytest.raises(DownloadFailed, match=r"could not be fetched.*Check the connection"):
        pull(model, tmp_path, mirror="http://127.0.0.1:9")


def test_a_full_disk_is_said_before_anything_is_fetched(hub, model, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_SPARE", 1e9)
    with pytest.raises(DownloadFailed, match="are free there"):
        pull(model, tmp_path, mirror=hub.address)
    assert not any("/resolve/" in path for path in hub.asked)


def test_what_another_folder_has_is_not_fetched_again(hub, model, tmp_path):
    pull(model, tmp_path / "a", mirror=hub.address)
    assert pull(model, tmp_path / "b", [tmp_path / "a"], mirror=hub.address) == []


def test_the_commands_from_nothing_to_nothing(hub, command, tmp_path):
    said = command("pull", "mine")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("mine is here\n")
    assert "tiny/sd15  " in said.stderr
    assert "/s" in said.stderr
    asked = len(hub.asked)
    assert command("pull", "mine").stdout.startswith("mine is here already\n")
    listed = command("list").stdout.splitlines()
    assert next(line for line in listed if line.startswith("mine")).split()[:3] == ["mine", "here", "-"]
    assert len(hub.asked) == asked
    assert "0.0 GB are free again" in command("remove", "mine").stdout
    assert not list((tmp_path / "data").rglob("*.safetensors"))
    assert "Nothing of 'mine'" in command("remove", "mine").stderr


def test_a_licence_that_is_not_allowed_is_not_pulled(hub, command):
    said = command("pull", "mine", SEGADDON_LICENCES="commercial,conditional")
    assert said.returncode == 2
    assert "not stated: non-commercial) is not allowed here" in said.stderr
    assert "commercial, conditional" in said.stderr
    assert not hub.asked


def test_a_misspelt_name_is_answered_with_near_ones(command):
    said = command("pull", "sd15-seq")
    assert said.returncode == 2
    assert "There is no model 'sd15-seq'. Did you mean sd15-seg" in said.stderr
