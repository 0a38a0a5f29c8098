"""Segmenters against the programs that their weights were made with, on tiny random weights in the real formats."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from blender_segaddon.protocol.errors import InvalidInput
from blender_segaddon.protocol.framing import BodyWriter, read_body
from blender_segaddon.protocol.segmenting import PromptMessage, SegmentRequest, SegmentResult, Source
from bridge_server import segmenters
from bridge_server.segmentation.checkpoint import CheckpointDamaged
from bridge_server.segmentation.desk import Desk
from bridge_server.segmentation.detector import Detector
from bridge_server.segmentation.sam import Sam
from bridge_server.segmentation.sam2 import Sam2
from bridge_server.segmentation.segmenter import Embedding, Prompt
from bridge_server.segmentation.shelf import Shelf
from scripts.lib import tiny_segmenters

RNG = np.random.default_rng(3)
PICTURE = RNG.integers(0, 256, (97, 150, 3), dtype=np.uint8)
CLICKS, LABELS = np.array([[30.0, 40.0], [100.5, 20.25]]), np.array([1, 0])
BOX = np.array([10.0, 5.0, 80.0, 70.0])


@pytest.fixture(scope="module")
def sam(folder: Path) -> Sam:
    return Sam(folder / "sams" / "tiny-sam.pth", "cpu")


@pytest.fixture(scope="module")
def sam2(folder: Path) -> Sam2:
    return Sam2(folder / "sams" / "tiny-sam2", "cpu")


@pytest.fixture(scope="module")
def published(folder: Path):
    """The published SamPredictor on the same weights; what it wants of torchvision is made of pillow here."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("", ".ops", ".ops.boxes", ".transforms", ".transforms.functional"):
            module = ModuleType(f"torchvision{name}")
            module.__path__ = []
            patch.setitem(sys.modules, module.__name__, module)
        stub = sys.modules
        stub["torchvision.ops.boxes"].batched_nms = stub["torchvision.ops.boxes"].box_area = None
        functional = stub["torchvision.transforms.functional"]
        functional.to_pil_image = Image.fromarray
        functional.resize = lambda image, size: image.resize(size[::-1], Image.Resampling.BILINEAR)
        package = importlib.import_module("segment_anything")
    network = tiny_segmenters.sam(128, 32, 3, 2, 64, (2,), 3)
    network.load_state_dict(torch.load(folder / "sams" / "tiny-sam.pth", weights_only=True))
    return package.SamPredictor(network)


def prompt(points=None, labels=None, box=None, logits=None) -> Prompt:
    return Prompt(
        np.zeros((0, 2)) if points is None else points, np.zeros(0) if labels is None else labels, box, logits
    )


PROMPTS = [(CLICKS, LABELS, None), (None, None, BOX), (CLICKS, LABELS, BOX)]


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("asked", PROMPTS)
@pytest.mark.parametrize("hint", [False, True])
def test_sam_gives_what_its_predictor_gives(sam, published, asked, several, hint):
    published.set_image(PICTURE)
    logits = RNG.normal(0, 3, (1, 32, 32)).astype(np.float32) if hint else None
    masks, scores, low = published.predict(*asked, mask_input=logits, multimask_output=several)
    ours = sam.masks(sam.encode(PICTURE), [prompt(*asked, None if logits is None else logits[0])], several)[0]
    assert np.array_equal(ours.masks, masks)
    assert 0 < masks.mean() < 1 or not several
    assert np.abs(ours.scores - scores).max() <= 1e-6
    assert np.array_equal(ours.logits, low)


def test_sam_in_a_batch_gives_what_its_predictor_gives_in_one(sam, published):
    published.set_image(PICTURE)
    points = RNG.uniform(0, 90, (5, 2, 2))
    moved = torch.as_tensor(published.transform.apply_coords(points, PICTURE.shape[:2]), dtype=torch.float)
    labels = torch.tensor([[1, 0]] * 5, dtype=torch.int)
    masks, scores, _ = published.predict_torch(moved, labels)
    ours = sam.masks(sam.encode(PICTURE), [prompt(one, LABELS) for one in points], True)
    assert np.array_equal(np.stack([one.masks for one in ours]), masks.numpy())
    assert np.abs(np.stack([one.scores for one in ours]) - scores.numpy()).max() <= 1e-6


def test_prompts_of_different_kinds_come_back_in_their_order(sam):
    seen = sam.encode(PICTURE)
    asked = [prompt(*one) for one in PROMPTS] * 2
    together = sam.masks(seen, asked, True)
    for one, answer in zip(asked, together, strict=True):
        assert np.allclose(sam.masks(seen, [one], True)[0].scores, answer.scores, atol=1e-5)


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("asked", PROMPTS)
@pytest.mark.parametrize("hint", [False, True])
def test_sam2_gives_what_transformers_gives(sam2, folder, asked, several, hint):
    from transformers import Sam2Model

    model = Sam2Model.from_pretrained(folder / "sams" / "tiny-sam2").eval()
    small = np.asarray(Image.fromarray(PICTURE).resize((128, 128), Image.Resampling.BILINEAR), np.float32) / 255
    pixels = (small - np.array([0.485, 0.456, 0.406], np.float32)) / np.array([0.229, 0.224, 0.225], np.float32)
    scale = np.array([128 / 150, 128 / 97])
    points, labels, box = asked
    logits = RNG.normal(0, 3, (1, 1, 32, 32)).astype(np.float32) if hint else None
    with torch.no_grad():
        said = model(
            pixel_values=torch.tensor(pixels).permute(2, 0, 1)[None],
            input_points=None if points is None else torch.tensor(points * scale)[None, None].float(),
            input_labels=None if labels is None else torch.tensor(labels)[None, None],
            input_boxes=None if box is None else torch.tensor((box.reshape(2, 2) * scale).reshape(1, 1, 4)).float(),
            input_masks=None if logits is None else torch.tensor(logits),
            multimask_output=several,
        )
        full = torch.nn.functional.interpolate(said.pred_masks[0], (97, 150), mode="bilinear")
    ours = sam2.masks(sam2.encode(PICTURE), [prompt(*asked, None if logits is None else logits[0, 0])], several)[0]
    assert np.array_equal(ours.masks, (full > 0)[0].numpy())
    assert np.abs(ours.scores - said.iou_scores[0, 0].numpy()).max() <= 1e-6


def test_sam2_in_a_batch(sam2):
    seen = sam2.encode(PICTURE)
    asked = [prompt(RNG.uniform(0, 90, (1, 2)), np.array([1])) for _ in range(4)]
    for one, answer in zip(asked, sam2.masks(seen, asked, True), strict=True):
        alone = sam2.masks(seen, [one], True)[0]
        assert np.array_equal(alone.masks, answer.masks)
        assert np.abs(alone.scores - answer.scores).max() <= 1e-6


def test_they_are_found_by_their_files(folder):
    names = [one.name for one in segmenters.available([folder])]
    assert names == ["tiny-sam2", "tiny-sam", "classical"]
    assert segmenters.choose([folder], "").name == "tiny-sam2"
    with pytest.raises(InvalidInput, match=r"no segmenter 'huge'.*tiny-sam2, tiny-sam, classical"):
        segmenters.choose([folder], "huge")


class Asking:
    """A desk, and the questions of one picture to it."""

    def __init__(self, *folders: Path, place: Path, picture: np.ndarray, shelf: Path | None = None) -> None:
        self.desk = Desk("cpu", folders, shelf)
        self.picture = picture
        self.place = place / "picture"
        self.place.write_bytes(picture.tobytes())

    def __call__(self, **fields) -> tuple[SegmentResult, list[np.ndarray]]:
        writer = BodyWriter()
        logits = fields.pop("logits", None)
        if logits is not None:
            fields["prompts"] = (
                PromptMessage(((30.0, 40.0),), (1,), logits=writer.add(logits), source=fields.pop("source")),
            )
        height, width = self.picture.shape[:2]
        request = SegmentRequest("a" * 64, height, width, **fields)
        body = read_body(b"".join(writer.finish(request)))
        answer = read_body(b"".join(self.desk.answer(body, self.place)))
        result = answer.message(SegmentResult)
        bits = answer.array(result.bits)[0] if result.bits else np.zeros(0, np.uint8)
        self.logits = answer.array(result.logits) if result.logits else None
        masks = []
        for one in result.masks:
            x0, y0, x1, y1 = one.box
            full = np.zeros((height, width), bool)
            count = (y1 - y0) * (x1 - x0)
            full[y0:y1, x0:x1] = np.unpackbits(bits[one.start :], count=count).reshape(y1 - y0, x1 - x0)
            masks.append(full)
        return result, masks


CLICK = (PromptMessage(((30.0, 40.0),), (1,)),)


@pytest.mark.parametrize("name", ["tiny-sam", "tiny-sam2"])
def test_it_looks_once_for_any_number_of_clicks(folder, tmp_path, name):
    ask = Asking(folder, place=tmp_path, picture=PICTURE)
    assert ask(wanted="prepare", segmenter=name)[0].encodings == 1
    for x in range(5, 90, 17):
        result, masks = ask(prompts=(PromptMessage(((x, 40.0),), (1,)),), segmenter=name)
        assert result.encodings == 0
        assert len(masks) == 3
    assert ask.desk.encoded == {name: 1}


@pytest.mark.parametrize("name", ["tiny-sam", "tiny-sam2"])
def test_a_picture_that_is_opened_again_is_not_looked_at_again(folder, tmp_path, name):
    shelf = tmp_path / "seen"
    first = Asking(folder, place=tmp_path, picture=PICTURE, shelf=shelf)
    result, masks = first(prompts=CLICK, segmenter=name)
    assert result.encodings == 1
    assert len(list(shelf.iterdir())) == 1
    later = Asking(folder, place=tmp_path, picture=PICTURE, shelf=shelf)  # another server, another day
    result, again = later(prompts=CLICK, segmenter=name)
    assert result.encodings == 0
    assert np.array_equal(masks, again)
    assert np.array_equal(first.logits, later.logits)
    (kept,) = shelf.iterdir()
    kept.write_bytes(kept.read_bytes()[:-100])
    result, again = Asking(folder, place=tmp_path, picture=PICTURE, shelf=shelf)(prompts=CLICK, segmenter=name)
    assert result.encodings == 1, "a damaged file is made again"
    assert np.array_equal(masks, again)


def test_other_weights_of_the_same_name_see_for_themselves(tmp_path):
    shelf = tmp_path / "seen"
    scores = []
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        (folder / "sams").mkdir(parents=True)
        torch.manual_seed(seed)
        tiny_segmenters.write_sam(folder / "sams" / "mine.pth")
        result, _ = Asking(folder, place=tmp_path, picture=PICTURE, shelf=shelf)(prompts=CLICK, segmenter="mine")
        assert result.encodings == 1
        scores.append([one.score for one in result.masks])
    assert scores[0] != scores[1]


def test_the_shelf_has_a_limit(tmp_path):
    shelf = Shelf(tmp_path / "seen", most=5000)
    one = Embedding((3, 4), [torch.arange(500, dtype=torch.float32)], 2000)
    for number in range(4):
        shelf.put(("a", number), one)
        os.utime(max(shelf._folder.iterdir(), key=lambda path: path.stat().st_mtime_ns), (number, number))
        shelf.get(("a", 0))  # used again and again
    assert [shelf.get(("a", number)) is not None for number in range(4)] == [True, False, False, True]
    found = shelf.get(("a", 3))
    assert found.size == (3, 4)
    assert torch.equal(found.features[0], one.features[0])
    assert all(path.stat().st_mode & 0o077 == 0 for path in shelf._folder.iterdir())


def test_words_find_boxes_and_boxes_masks(folder, tmp_path):
    """Grounding DINO and SAM 2.1 as people run them, with weights by chance: boxes anywhere, masks of these boxes."""
    torch.manual_seed(0)
    tiny_segmenters.write_detector(tmp_path / "grounding-dino" / "tiny-dino")
    ask = Asking(folder, tmp_path, place=tmp_path, picture=PICTURE)
    result, masks = ask(text="a cat, a dog", segmenter="tiny-sam2")
    boxes = Detector(tmp_path / "grounding-dino" / "tiny-dino", "cpu").find(PICTURE, "a cat, a dog")
    assert len(result.masks) == len(boxes) > 0
    assert [one.score for one in result.masks] == pytest.approx([score for _, score in boxes])
    assert {one.label for one in result.masks} == {"a cat, a dog"}
    assert result.encodings == 1
    own = Sam2(folder / "sams" / "tiny-sam2", "cpu")
    seen = own.encode(PICTURE)
    for (box, _), mask in zip(boxes, masks, strict=True):
        assert np.array_equal(own.masks(seen, [prompt(box=box)], False)[0].masks[0], mask)


def test_a_detector_that_is_damaged_is_said_to_be(folder, tmp_path):
    place = tmp_path / "grounding-dino" / "tiny-dino"
    tiny_segmenters.write_detector(place)
    (place / "model.safetensors").write_bytes(b"rubbish")
    with pytest.raises(CheckpointDamaged, match="Grounding DINO"):
        Asking(folder, tmp_path, place=tmp_path, picture=PICTURE)(text="cat", segmenter="tiny-sam2")


def test_the_answer_is_the_segmenters_own_best_first(folder, tmp_path, sam):
    result, masks = Asking(folder, place=tmp_path, picture=PICTURE)(prompts=CLICK, segmenter="tiny-sam")
    own = sam.masks(sam.encode(PICTURE), [prompt(np.array([[30.0, 40.0]]), np.array([1]))], True)[0]
    order = np.argsort(-own.scores)
    assert [one.score for one in result.masks] == pytest.approx(own.scores[order].tolist())
    assert np.array_equal(np.stack(masks), own.masks[order])


def test_a_mask_is_gone_on_from_by_its_logits(folder, tmp_path, sam):
    ask = Asking(folder, place=tmp_path, picture=PICTURE)
    ask(prompts=CLICK, segmenter="tiny-sam")
    logits = ask.logits[:32]
    source = Source("tiny-sam", "a" * 64, (0, 0, 150, 97))
    _, masks = ask(logits=logits, source=source, several=False)
    asked = prompt(np.array([[30.0, 40.0]]), np.array([1]), None, logits)
    assert np.array_equal(masks[0], sam.masks(sam.encode(PICTURE), [asked], False)[0].masks[0])


@pytest.mark.parametrize(
    ("source", "fields", "said"),
    [
        (Source("tiny-sam", "b" * 64, (0, 0, 150, 97)), {}, "mask of another picture"),
        (Source("tiny-sam2", "a" * 64, (0, 0, 150, 97)), {"segmenter": "tiny-sam"}, "mask of tiny-sam2"),
        (Source("tiny-sam", "a" * 64, (0, 0, 151, 97)), {}, "a window"),
    ],
)
def test_logits_of_something_else_are_refused(folder, tmp_path, source, fields, said):
    ask = Asking(folder, place=tmp_path, picture=PICTURE)
    with pytest.raises(InvalidInput, match=said):
        ask(logits=np.zeros((32, 32), np.float32), source=source, **fields)


def test_everything_gives_each_thing_once(folder, tmp_path):
    ask = Asking(folder, place=tmp_path, picture=PICTURE)
    result, _ = ask(wanted="everything", segmenter="tiny-sam")
    assert result.encodings == 1
    boxes = [one.box for one in result.masks]
    assert len(set(boxes)) == len(boxes)


def test_words_need_a_detector(folder, tmp_path):
    with pytest.raises(InvalidInput, match="Grounding DINO"):
        Asking(folder, place=tmp_path, picture=PICTURE)(text="a car")


@pytest.mark.parametrize("damage", ["cut", "pickle", "other", "missing"])
def test_a_wrong_checkpoint_is_said_to_be_one(folder, tmp_path, damage):
    whole = (folder / "sams" / "tiny-sam.pth").read_bytes()
    place = tmp_path / "sam.pth"
    if damage == "cut":
        place.write_bytes(whole[: len(whole) // 2])
    else:
        state = torch.load(folder / "sams" / "tiny-sam.pth", weights_only=True)
        del state["mask_decoder.iou_token.weight"]
        torch.save({"pickle": {"x": Path()}, "other": {"x": torch.zeros(1)}, "missing": state}[damage], place)
    with pytest.raises(CheckpointDamaged, match=r"sam\.pth.*Get the file again"):
        Sam(place, "cpu")


def test_a_folder_that_is_no_sam2(folder, tmp_path):
    (tmp_path / "config.json").write_text((folder / "sams" / "tiny-sam2" / "config.json").read_text())
    with pytest.raises(CheckpointDamaged, match="SAM 2"):
        Sam2(tmp_path, "cpu")


def test_sizes_are_read_off_the_weights(tmp_path):
    from scripts.lib import tiny_segmenters

    other = tiny_segmenters.sam(256, 48, 4, 3, 64, (1, 3), 5)
    torch.save(other.state_dict(), tmp_path / "other.pth")
    ours = Sam(tmp_path / "other.pth", "cpu")
    assert ours.native == 256
    pixels = torch.zeros(1, 3, 256, 256)
    with torch.no_grad():
        assert torch.equal(ours._network.image_encoder(pixels), other.image_encoder(pixels))
