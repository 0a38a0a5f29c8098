"""Models through the whole way, from Blender to a server with torch: what is asked, kept and made again."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import bpy
import numpy as np
import pytest

import blender_segaddon
from blender_segaddon import api
from blender_segaddon.flows.picture import forget_all
from blender_segaddon.operators import model_options
from blender_segaddon.protocol.messages import Control, LoraUse

from .test_api import scene  # noqa: F401  # a fixture

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = REPOSITORY / ".venv-models" / "bin" / "python"
SIZE = (64, 48)

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="scripts/test --models makes the server with models")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that draws with tiny-sd15."""
    models, state = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("state")
    state.chmod(0o700)
    changed = {"SEGADDON_MODELS_DIRS": str(models), "SEGADDON_CONFIG": os.devnull, "OMP_NUM_THREADS": "1"}
    before = {name: os.environ.get(name) for name in changed}
    command = [str(PYTHON), "-m", "scripts.lib.tiny_models", str(models), "tiny-sd15"]
    subprocess.run(command, cwd=REPOSITORY, check=True, timeout=120)
    (models / "loras").mkdir()
    (models / "tiny-sd15" / "few-step.safetensors").rename(models / "loras" / "few-step.safetensors")
    os.environ.update(changed)
    command = (str(PYTHON), "-m", "bridge_server")
    yield api.Connection(server_command=command, state_dir=state, end_with_us=True)
    api.end_server()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


@pytest.fixture
def street(scene, server):  # noqa: F811
    """The scene, with the server that draws and the add-on's buttons."""
    blender_segaddon.register()
    api.configure(server)
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    scene.segaddon.model = "tiny-sd15"
    scene.segaddon.random_seed = False
    yield scene
    api.attend_server(False)
    api.configure(api.DEFAULT_CONNECTION)
    blender_segaddon.unregister()


def test_a_picture_made_again_is_the_same_bit_for_bit(street, tmp_path):
    street.segaddon.generation.style = "watercolour"
    first = api.generate("a street", model="tiny-sd15", seed=7, steps=2, regions={"House": "red brick"}, count=2)[1]
    assert first.meta["is_model"] == "true" and first.meta["seed"] == 8
    again = api.regenerate(first)
    assert (again.pixels == first.pixels).all() and again.meta["again"] == "identical"
    api.save(first, tmp_path / "first.png")
    forget_all()
    later = api.regenerate(tmp_path / "first.png")
    assert (later.pixels == first.pixels).all(), later.meta["again"]
    assert later.meta["again"] == "identical"


def test_the_best_are_kept_best_first(street):
    maps = api.capture()
    everything = api.generate("a street", maps=maps, model="tiny-sd15", seed=1, steps=1, count=4)
    kept = api.generate("a street", maps=maps, model="tiny-sd15", seed=1, steps=1, count=2, best_of=4)
    measured = [float(one.meta["edge_agreement"]) for one in everything]
    assert len(set(measured)) > 1
    assert [float(one.meta["edge_agreement"]) for one in kept] == sorted(measured, reverse=True)[:2]
    best = everything[int(np.argmax(measured))]
    assert kept[0].meta["seed"] == best.meta["seed"] and (kept[0].pixels == best.pixels).all()


def test_the_panel_asks_for_all_that_a_model_can_do(street):
    settings = street.segaddon.generation
    settings.count, settings.best_of, settings.quality = 2, 3, "DRAFT"
    settings.style, settings.negative = "watercolour", "people"
    settings.own_sampling, settings.steps, settings.guidance = True, 2, 5.0
    settings.own_guides = True
    assert settings.segmentation.use and settings.depth.use, "it begins with what models usually get"
    settings.depth.weight, settings.depth.start, settings.depth.end = 0.4, 0.0, 0.5
    shown = settings.references.add()
    shown.image = bpy.data.images.new("Look", 40, 30)
    shown.object, shown.weight = bpy.data.objects["House"], 0.6
    bpy.ops.segaddon.add_option(kind="LORAS")
    settings.loras[0].name, settings.loras[0].weight = "few-step", 0.5
    assert bpy.ops.segaddon.generate(prompt="a street") == {"FINISHED"}
    assert len(settings.candidates) == 2
    assert settings.candidates[0].agreement >= settings.candidates[1].agreement > 0
    recipe = api.find_picture(street.segaddon.picture).recipe
    assert recipe.options.controls == (Control("segmentation"), Control("depth", pytest.approx(0.4), 0.0, 0.5))
    assert (recipe.options.steps, recipe.options.guidance, recipe.options.draft) == (2, 5.0, True)
    assert recipe.options.loras == (LoraUse("few-step", 0.5),)
    assert [one.weight for one in recipe.references] == [pytest.approx(0.6)]
    assert recipe.references[0].instances and recipe.style == "watercolour" and "people" in recipe.negative_prompt
    settings.loras[0].use = shown.use = False
    told = model_options.asked(street)
    assert told["loras"] == {} and told["references"] == []
    bpy.ops.segaddon.remove_option(kind="LORAS", index=0)
    assert not settings.loras


def test_candidates_are_chosen_among_and_varied(street):
    settings = street.segaddon.generation
    settings.own_sampling, settings.steps, settings.count = True, 2, 2
    bpy.ops.segaddon.generate(prompt="a street")
    other = settings.candidates[1].image
    assert bpy.ops.segaddon.choose_candidate(name=other.name) == {"FINISHED"}
    assert street.segaddon.picture == other
    settings.amount, settings.count = 0.5, 1
    assert bpy.ops.segaddon.variation() == {"FINISHED"}
    near = api.find_picture(street.segaddon.picture).recipe
    assert (near.image == api.find_picture(other).pixels).all() and near.strength == 0.5
    assert not settings.candidates, "one picture is no choice"


def test_from_a_render_or_a_picture(street):
    settings = street.segaddon.generation
    settings.own_sampling, settings.steps, settings.start, settings.strength = True, 2, "PICTURE", 0.5
    with pytest.raises(RuntimeError, match="no picture to start from"):
        bpy.ops.segaddon.generate(prompt="a street")
    street.segaddon.picture = api.generate("x", seed=1)[0].image
    assert bpy.ops.segaddon.generate(prompt="a street") == {"FINISHED"}
    assert api.find_picture(street.segaddon.picture).recipe.strength == 0.5


def test_what_the_model_cannot_do_is_not_asked_for(street):
    api.attend_server(True)
    end = time.monotonic() + 20
    while not api.loras() and time.monotonic() < end:
        api.check_server()
        time.sleep(0.05)
    assert api.loras() == ("few-step",)
    street.segaddon.model = "zimage-turbo"
    settings = street.segaddon.generation
    settings.negative, settings.own_guides = "people", True
    settings.references.add().image = bpy.data.images.new("Look", 4, 4)
    told = model_options.asked(street)
    assert "negative_prompt" not in told and "references" not in told
    assert list(told["controls"]) == ["depth"]
