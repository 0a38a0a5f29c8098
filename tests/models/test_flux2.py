"""FLUX.2 klein: stock diffusers where nothing is added; weights, windows, places, regions and other starts besides."""

from __future__ import annotations

from dataclasses import replace

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from blender_segaddon.core.colourise import depth_image
from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.messages import Control, GenerateRequest, ModelOptions
from bridge_server.generation import joint
from bridge_server.generation.control import lineart
from bridge_server.generation.diffusion import Diffusion
from bridge_server.generators import Inputs, ReferenceInput
from bridge_server.models import catalogue

from .conftest import CPU, scene

DEPTH = (Control("depth"),)
PICTURE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
STEPS = 2


@pytest.fixture(scope="module")
def flux2(models, folder) -> Diffusion:
    return Diffusion(models["tiny-flux2"], [folder], CPU)


@pytest.fixture(scope="module")
def pipeline(folder):
    return diffusers.Flux2KleinPipeline.from_pretrained(folder / "tiny-flux2")


def make(diffusion, controls=(), *, texts=("", ""), prompt="a street", maps=None, strength=0.7, **more) -> np.ndarray:
    options = ModelOptions(STEPS, controls=tuple(controls), region_strength=strength)
    request = GenerateRequest(generator="", prompt=prompt, options=options, strength=more.pop("leave", 1.0))
    references = more.pop("references", ())
    given = Inputs(request, maps or scene(texts=texts), more.get("image"), more.get("mask"), references)
    return diffusion.make(given, 3, lambda *_: None)


def stock(pipeline, prompt="a street", **options) -> np.ndarray:
    pipeline.set_progress_bar_config(disable=True)
    given = {"height": 64, "width": 64, "num_inference_steps": STEPS, "guidance_scale": 1.0, **options}
    drawn = pipeline(
        prompt=prompt, generator=torch.Generator("cpu").manual_seed(3), output_type="np", **given
    ).images[0]  # fmt: skip
    return (drawn * 255).round().astype(np.uint8)


def test_without_anything_it_equals_a_direct_call(flux2, pipeline):
    assert (make(flux2) == stock(pipeline)).all()


def test_maps_and_references_are_shown_as_a_direct_call_shows_pictures(flux2, pipeline):
    maps = scene()
    shown = [Image.fromarray(depth_image(maps.depth)), Image.fromarray(lineart(maps)), Image.fromarray(PICTURE)]
    controls = [*DEPTH, Control("lineart")]
    told = joint.words(controls, 1, 1)
    assert told.startswith("Image 1 is a depth map") and "Image 3 shows the look" in told
    expected = stock(pipeline, f"{told} a street", image=shown)
    assert (make(flux2, controls, references=(ReferenceInput(PICTURE),)) == expected).all()
    assert (expected != make(flux2)).mean() > 0.1


def test_under_a_mask_and_from_a_picture_it_equals_a_direct_call(flux2, pipeline):
    inpainting = diffusers.Flux2KleinInpaintPipeline(**pipeline.components, is_distilled=True)
    everything = Image.new("L", (64, 64), 255)
    expected = stock(inpainting, image=Image.fromarray(PICTURE), mask_image=everything, strength=0.5)
    assert (make(flux2, image=PICTURE, leave=0.5) == expected).all()
    mask = np.zeros((64, 64), bool)
    mask[32:] = True
    one, other = (make(flux2, controls, image=PICTURE, mask=mask) for controls in ((), DEPTH))
    assert (one[:8] == PICTURE[:8]).all() and (one != other).any()


def test_a_picture_that_is_larger_than_a_megapixel_keeps_its_size(flux2):
    """The stock pipeline would make it smaller."""
    drawn = flux2._pipelines.base
    options = {"image": np.zeros((1040, 1040, 3), np.float32), "strength": 0.5, "num_inference_steps": 2}
    with torch.no_grad():
        size = joint.Pass((1040, 1040), (1040, 1040))
        assert joint.from_picture(drawn, options, size)["image"].shape == (1, 128, 65, 65)


def test_weights_and_windows(flux2):
    plain, full = make(flux2), make(flux2, DEPTH)
    told = joint.words(DEPTH, 0, 1)
    assert (make(flux2, [Control("depth", 1.0, 0.0, 0.1)]) == make(flux2, prompt=f"{told} a street")).all()
    assert (make(flux2, [Control("depth", 0.0)]) == plain).all()
    some = make(flux2, [Control("depth", 0.5)])
    assert (some != full).any() and (some != plain).any()


def test_a_reference_for_an_object_moves_that_rather_than_the_other(flux2):
    left, right = (make(flux2, references=(ReferenceInput(PICTURE, 2.0, (own,)),)).astype(int) for own in (1, 2))
    everywhere = make(flux2, references=(ReferenceInput(PICTURE, 2.0),)).astype(int)
    inside, outside = abs(left - everywhere)[:, :24].mean(), abs(left - everywhere)[:, 40:].mean()
    assert inside < outside and abs(right - everywhere)[:, 40:].mean() < abs(right - everywhere)[:, :24].mean()


def test_the_same_words_everywhere_are_a_plain_run(flux2):
    for controls in ((), DEPTH):
        plain = make(flux2, controls).astype(int)
        assert abs(make(flux2, controls, texts=("a street", "a street")) - plain).max() <= 1


def test_the_order_of_regions_does_not_matter(flux2):
    one = make(flux2, texts=("a red door", "snow")).astype(int)
    maps = scene(texts=("snow", "a red door"))
    swapped = maps.instance_map.copy()
    swapped[maps.instance_map == 1], swapped[maps.instance_map == 2] = 2, 1
    assert abs(make(flux2, maps=replace(maps, instance_map=swapped)) - one).max() <= 1


def test_texts_neither_see_nor_are_seen_by_each_other():
    shares = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    scores = joint.table([], [2, 3], shares, 2, 2, torch.zeros(0)).exp()
    assert scores[:5, :5].tolist() == [[1, 1, 0, 0, 0]] * 2 + [[0, 0, 1, 1, 1]] * 3
    assert scores[5:, :5].tolist() == [[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]]
    assert (scores[:, 5:] == 1).all(), "everything sees the picture"


def test_a_picture_is_seen_by_its_weight_where_it_is_for():
    one = joint._Shown(torch.zeros(1, 2, 1), (1, 2), Control("depth", 0.5), torch.tensor([1.0, 0.0]))
    scores = joint.table([one], [1], None, 2, 2, torch.zeros(0)).exp()
    assert scores[:, 3:].tolist() == [[0.5, 0.5], [0.5, 0.5], [0, 0], [1, 1], [1, 1]]


def test_guidance_of_a_model_that_is_not_distilled(models, folder, tmp_path):
    """As FLUX.2 klein base: two calls of the transformer a step."""
    pipeline = diffusers.Flux2KleinPipeline.from_pretrained(folder / "tiny-flux2", is_distilled=False)
    pipeline.save_pretrained(tmp_path / "own")
    model = replace(models["tiny-flux2"], base=catalogue.Source(path=str(tmp_path / "own")), guidance=3.0, guided=True)
    diffusion = Diffusion(model, [], CPU)
    assert (make(diffusion) == stock(pipeline, guidance_scale=3.0)).all()
    windowed = make(diffusion, [Control("depth", 1.0, 0.0, 0.5)])
    assert (windowed != make(diffusion, DEPTH)).any()
    assert abs(make(diffusion, texts=("a street", "")).astype(int) - make(diffusion)).max() <= 1


@pytest.mark.parametrize("size", [(70, 50), (200, 30)])
def test_sizes(flux2, size):
    assert make(flux2, DEPTH, maps=scene(*size, ("a red door", ""))).shape == (size[1], size[0], 3)


def test_small_and_narrow_references(flux2):
    for size in ((5, 300), (40, 30)):
        picture = np.zeros((*size, 3), np.uint8)
        assert make(flux2, references=(ReferenceInput(picture),)).shape == (64, 64, 3)


def test_segmentation_is_refused(flux2):
    with pytest.raises(InvalidInput, match=r"no control by segmentation.*depth, lineart"):
        make(flux2, [Control("segmentation")])


def test_an_entry_with_a_controlnet_is_refused(tmp_path):
    text = '[mine]\nfamily = "flux2"\nbase = { path = "x" }\ncontrols = { depth = { path = "y" } }\n'
    (tmp_path / "models.toml").write_text(text)
    with pytest.raises(InvalidInput, match="flux2 takes none"):
        catalogue.load([tmp_path])
