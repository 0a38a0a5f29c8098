"""What models are known, and where they are found: without torch, without the network, without weights."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from blender_segaddon.protocol.errors import InvalidInput
from bridge_server.models import catalogue, loras, places
from bridge_server.models.library import Library, LicenceRefused

from .support import REPOSITORY

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def no_cache(tmp_path, monkeypatch):
    """Whoever runs the tests may have models."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "nothing"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def tensors(file: Path, **shapes: list[int]) -> Path:
    """A safetensors file with a header alone; underscores in names stand for dots where there are two."""
    header = {
        name.replace("__", "."): {"dtype": "F16", "shape": shape, "data_offsets": [0, 0]}
        for name, shape in shapes.items()
    }
    data = json.dumps(header).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(struct.pack("<Q", len(data)) + data)
    return file


SD15 = {
    "model__diffusion_model__input_blocks__0__0__weight": [320, 4, 3, 3],
    "cond_stage_model__transformer__text_model__x": [1],
}
SDXL = {
    "model__diffusion_model__input_blocks__0__0__weight": [320, 4, 3, 3],
    "conditioner__embedders__1__model__x": [1],
}
INPAINTING = SD15 | {"model__diffusion_model__input_blocks__0__0__weight": [320, 9, 3, 3]}


def of_size(file: Path, size: int) -> Path:
    """A file of many bytes that takes no place on the disk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        target.truncate(size)
    return file


# What the server brings


def test_every_model_of_the_catalogue_is_described_whole():
    models = catalogue.load()
    assert {"sd15-seg", "sd15-seg-ade", "sdxl-union", "sdxl-promax", "sdxl-ade20k", "zimage-turbo"} <= set(models)
    for model in models.values():
        assert model.title
        assert model.licence
        assert model.licence_kind != "own"
        assert model.licence_url.startswith("https://")
        for source in model.sources:
            if source.path:  # comes with the server
                assert Path(source.path).is_relative_to(catalogue.SHIPPED)
                assert Path(source.path).is_dir()
                continue
            assert source.revision
            assert source.files
            assert not any(name.endswith((".bin", ".ckpt", ".pt", ".pth")) for name in source.files)


def test_the_list_is_quick_and_needs_no_torch(tmp_path):
    code = (
        "import sys, time; begin = time.perf_counter(); from bridge_server.__main__ import main; "
        "main(['models', 'list', '--json']); "
        "heavy = {'torch', 'diffusers', 'transformers', 'huggingface_hub'} & set(sys.modules); "
        "print(sorted(heavy), time.perf_counter() - begin, file=sys.stderr)"
    )
    environ = os.environ | {"XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=True
    )
    heavy, seconds = done.stderr.rsplit(maxsplit=1)
    assert heavy == "[]"
    assert float(seconds) < 5  # 0.2 s on a quiet machine; docs/models.md
    listed = {one["name"]: one for one in json.loads(done.stdout)}
    assert listed["sd15-seg"]["state"] == "missing"
    assert listed["sd15-seg"]["hint"].endswith("-m bridge_server models pull sd15-seg")
    assert listed["sd15-seg"]["to_get_gb"] == listed["sd15-seg"]["size_gb"] > 4


# What users write


def test_own_entries_add_and_change(tmp_path):
    text = """
[sd15-seg]
steps = 12

[city]
family = "sd15"
base = { path = "city" }
[city.controls.segmentation]
path = "controls/seg.safetensors"
[city.controls.depth]
repo = "someone/depth"

[city-xl]
family = "sdxl"
base = "sdxl"
palette = "coco_panoptic"
"""
    write(tmp_path / "models.toml", text)
    models = catalogue.load([tmp_path])
    assert (models["sd15-seg"].steps, models["sd15-seg"].native) == (12, 512)
    assert models["city"].base.path == str(tmp_path / "city")
    assert models["city"].title == "city"
    assert models["city"].controls["depth"].revision == "main"
    assert models["city-xl"].base.repo == "stabilityai/stable-diffusion-xl-base-1.0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a\n", r"models\.toml cannot be read: .*line 1"),
        ("a = 1", "'a' in .*a table is needed"),
        ("[a]\nbase = { path = 'x' }", "family is missing: one of sd15, sdxl"),
        ("[a]\nfamily = 'sd16'\nbase = { path = 'x' }", "family: 'sd16' is not one of sd15, sdxl"),
        ("[a]\nfamily = 'sd15'", "base: a table is needed"),
        ("[a]\nfamily = 'sd15'\nbase = 'sd14'", "base: 'sd14' is not one of sd15, sdxl"),
        ("[a]\nfamily = 'sd15'\nbase = { }", "base: either a path or a repo is needed"),
        ("[a]\nfamily = 'sd15'\nbase = { path = 'x', repo = 'y/z' }", "base: either a path or a repo is needed"),
        ("[a]\nfamly = 'sd15'", "unknown key 'famly', did you mean 'family'"),
        ("[a]\nfamily = 'sd15'\nsteps = 'many'\nbase = 'sd15'", "steps: 'many' is no whole number"),
        ("[a]\nfamily = 'sd15'\nguidance = true\nbase = 'sd15'", "guidance: True is no number"),
        ("[a]\nfamily = 'sd15'\nbase = 'sd15'\ncontrols.depth = 'x'", r"controls\.depth: a table is needed"),
        (
            "[a]\nfamily = 'sd15'\nbase = 'sd15'\ncontrols.depth = { file = 'x' }",
            r"controls\.depth: unknown key 'file'",
        ),
        ("[a]\nfamily = 'sd15'\nbase = 'sd15'\nlicence_kind = 'free'", "licence_kind: 'free' is not one of commercial"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(tmp_path, text, said):
    write(tmp_path / "models.toml", text)
    with pytest.raises(InvalidInput, match=said):
        catalogue.load([tmp_path])


# What people own


def test_extra_model_paths_are_read_as_comfyui_does(tmp_path, monkeypatch):
    monkeypatch.setenv("SHELF", str(tmp_path / "shelf"))
    write(
        tmp_path / "ComfyUI/extra_model_paths.yaml",
        f"""
# two programs and a share
a111:
    base_path: {tmp_path}/webui/
    checkpoints: models/Stable-diffusion
    loras: |
         models/Lora
         models/LyCORIS
comfyui:
    base_path: ../more
    is_default: true
    checkpoints: checkpoints/
    controlnet: $SHELF/controlnet
empty:
""",
    )
    tensors(tmp_path / "webui/models/Stable-diffusion/Dream Shaper_8.safetensors", **SD15)
    tensors(tmp_path / "more/checkpoints/sub/juggernautXL.safetensors", **SDXL)
    tensors(tmp_path / "more/checkpoints/erase.safetensors", **INPAINTING)
    write(tmp_path / "more/checkpoints/old.ckpt", "a pickle")
    write(tmp_path / "more/checkpoints/broken.safetensors", "nothing")
    for name in ("Lora/rust", "LyCORIS/moss"):
        tensors(tmp_path / f"webui/models/{name}.safetensors", x=[1])
    depth = of_size(tmp_path / "shelf/controlnet/control_v11f1p_sd15_depth_fp16.safetensors", 722601100)
    library = Library((tmp_path / "ComfyUI",))
    found = {id: model for id, model in library.models.items() if model.licence_kind == "own"}
    assert {id: model.family for id, model in found.items()} == {"dream-shaper-8": "sd15", "juggernautxl": "sdxl"}
    assert found["juggernautxl"].palette == "instances"
    assert set(loras.available(library.folders)) == {"rust", "moss"}
    assert places.locate(found["dream-shaper-8"].controls["depth"], library.folders) == depth
    entry = library.entry(found["dream-shaper-8"])
    assert entry.state == "missing"
    assert entry.hint.endswith("-m bridge_server models pull dream-shaper-8")
    assert entry.to_get == pytest.approx(2.1)  # three more ControlNets


@pytest.mark.parametrize("layout", ["models/Stable-diffusion", "models/checkpoints", "checkpoints"])
def test_known_checkpoints_are_recognised_and_not_offered_twice(tmp_path, layout):
    file = of_size(tmp_path / layout / "SD_XL_base_1.0.safetensors", 6938078334)
    library = Library((tmp_path,))
    assert places.locate(library.models["sdxl-union"].base, library.folders) == file
    assert not [model for model in library.models.values() if model.licence_kind == "own"]
    of_size(file, 1000)  # another file of that name, or half of one
    assert places.locate(library.models["sdxl-union"].base, library.folders) is None


def test_a_broken_list_of_folders_is_said(tmp_path):
    write(tmp_path / "extra_model_paths.yaml", "a: [b")
    with pytest.raises(InvalidInput, match=r"extra_model_paths\.yaml cannot be read: .*line 1"):
        Library((tmp_path,)).models  # noqa: B018


def cached(cache: Path, repo: str, *names: str, commit: str = COMMIT) -> Path:
    """A repository in a cache of the hub without links, as on Windows."""
    folder = cache / f"models--{repo.replace('/', '--')}"
    for name in names:
        write(folder / "snapshots" / commit / name, "x")
    write(folder / "refs/main", commit)
    return folder / "snapshots" / commit


def test_the_hubs_cache_is_used_under_older_names_and_in_full_precision(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    base = catalogue.load()["sd15-seg"].base
    names = [name.replace("*", "config.json").replace(".fp16", "") for name in base.files]
    snapshot = cached(tmp_path, "runwayml/stable-diffusion-v1-5", *names[:-1])
    assert places.locate(base, []) is None
    write(snapshot / names[-1], "x")
    assert places.locate(base, []) == snapshot
    assert places.variant(base, snapshot) == ""
    assert places.revision(snapshot) == f"runwayml/stable-diffusion-v1-5@{COMMIT}"


def test_another_revision_does_unless_one_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    source = catalogue.Source(repo="a/b", revision="main", files=("x.safetensors", "config.json"))
    older = cached(tmp_path, "a/b", *source.files, commit="f" * 40)
    write(tmp_path / "models--a--b/refs/main", COMMIT)
    assert places.locate(source, []) == older
    named = catalogue.Source(repo="a/b", revision=COMMIT, files=source.files)
    assert places.locate(named, []) is None


# What may be used


def test_a_policy_refuses_licences(tmp_path):
    write(tmp_path / "models.toml", '[mine]\nfamily = "sd15"\nbase = { path = "." }')
    library = Library((tmp_path,), ("commercial",))
    states = {one.model.id: one.state for one in library.entries()}
    assert states["sd15-seg"] == states["mine"] == "refused"
    assert states["zimage-turbo"] == "missing"
    with pytest.raises(LicenceRefused, match=r"CreativeML OpenRAIL-M: conditional.*licences allows: commercial"):
        library.require("sd15-seg")


def test_a_file_is_told_from_any_other_of_its_name(tmp_path):
    file = write(tmp_path / "a.safetensors", "one")
    first = places.revision(file)
    assert first.startswith("a.safetensors sha256:")
    file.write_text("others")
    assert places.revision(file) != first
    folder = places.revision(tmp_path)
    write(tmp_path / "config.json", "{}")
    assert places.revision(tmp_path) != folder
