"""Parts of segmentation that need no server: windows of large pictures, what is kept, closer looks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from blender_segaddon.protocol.framing import BodyWriter, read_body
from blender_segaddon.protocol.segmenting import PromptMessage, SegmentRequest, SegmentResult, Source
from bridge_server.segmentation import windows
from bridge_server.segmentation.desk import Desk, _Held
from bridge_server.segmentation.memory import Embeddings
from bridge_server.segmentation.segmenter import Candidates, Embedding, Prompt

NOWHERE = Prompt(np.zeros((0, 2)), np.zeros(0, np.int64))


def block(x0: int, y0: int, x1: int, y1: int, size: tuple[int, int] = (2000, 3000)) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_the_window_shows_the_mask_and_what_is_around_it():
    rng = np.random.default_rng(0)
    for _ in range(200):
        x0, y0 = rng.integers(0, (2990, 1990))
        x1, y1 = x0 + rng.integers(1, 1200), y0 + rng.integers(1, 900)
        mask = block(x0, y0, x1, y1)
        left, top, right, bottom = windows.around(mask, NOWHERE, 256)
        assert 0 <= left <= x0 < min(x1, 3000) <= right <= 3000
        assert 0 <= top <= y0 < min(y1, 2000) <= bottom <= 2000


def test_small_things_get_small_windows_and_neighbours_share_one():
    small = windows.around(block(1000, 900, 1050, 950), NOWHERE, 256)
    assert small[2] - small[0] < 500
    assert windows.around(block(1010, 905, 1060, 950), NOWHERE, 256) == small
    assert windows.around(block(0, 0, 3000, 2000), NOWHERE, 256) == (0, 0, 3000, 2000)
    far = Prompt(np.array([[2900.0, 1900.0]]), np.array([1]))
    assert windows.around(block(10, 10, 20, 20), far, 256) == (0, 0, 3000, 2000), "clicks that are meant are in it"


def test_prompts_move_with_their_window():
    prompt = Prompt(np.array([[15.0, 25.0], [500.0, 5.0]]), np.array([1, 0]), np.array([5.0, 15, 30, 200]))
    moved = windows.moved(prompt, (10, 20, 110, 120))
    assert moved.points.tolist() == [[5, 5]]
    assert moved.labels.tolist() == [1]
    assert moved.box is not None
    assert moved.box.tolist() == [0, 0, 20, 100]


def test_what_was_seen_is_kept_within_limits():
    seen = Embeddings(100)
    made = []

    def encode() -> Embedding:
        made.append(1)
        return Embedding((1, 1), None, 40)

    keys = [("sam", str(number), (0, 0, 1, 1)) for number in range(3)]
    for key in (keys[0], keys[1], keys[0], keys[2], keys[0]):
        seen.get(key, encode)
    assert len(made) == 3
    seen.get(keys[1], encode)  # the least recently used one had gone
    assert len(made) == 4
    assert seen.encoded == {"sam": 4}


class Brightness:
    """A segmenter that takes what is bright, and draws as coarsely as networks do."""

    native, grid = 128, 8

    def encode(self, image: np.ndarray) -> Embedding:
        small = cv2.resize(image[..., 0], (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32) - 128
        return Embedding((image.shape[0], image.shape[1]), small, 1)

    def masks(self, embedding: Embedding, prompts, several: bool) -> list[Candidates]:
        full = cv2.resize(embedding.features, embedding.size[::-1], interpolation=cv2.INTER_LINEAR) > 0
        one = np.ones(1, np.float32)
        return [Candidates(full[None], one, one, embedding.features[None]) for _ in prompts]

    def to_host(self) -> None: ...

    def to_device(self) -> None: ...


def bright_desk() -> Desk:
    desk = Desk("cpu", [])
    desk._held["classical"] = _Held(Brightness(), 0, 0.0)
    return desk


def test_a_click_beyond_the_part_that_was_looked_at_counts_too(tmp_path: Path):
    """Refining a small thing on a large picture by a click far from it, where another one is."""
    rows, columns = np.ogrid[:1600, :2600]
    here, there = np.hypot(rows - 300, columns - 400) < 60, np.hypot(rows - 1300, columns - 2300) < 60
    pixels = np.where((here | there)[..., None], 250, 5).astype(np.uint8).repeat(3, -1)
    (tmp_path / "picture").write_bytes(pixels.tobytes())
    desk = bright_desk()

    def ask(points, labels, source=None, logits=None):
        writer = BodyWriter()
        reference = None if logits is None else writer.add(logits)
        prompt = PromptMessage(points, labels, logits=reference, source=source)
        request = SegmentRequest("a" * 64, 1600, 2600, prompts=(prompt,), sharp=True)
        answer = read_body(b"".join(desk.answer(read_body(b"".join(writer.finish(request))), tmp_path / "picture")))
        return answer, answer.message(SegmentResult)

    far = (2300.0, 1300.0)
    first = (0, 0, 650, 650)
    source = Source("classical", "a" * 64, first)
    logits = np.zeros((32, 32), np.float32)
    _, refined = ask(((400.0, 300.0), (500.0, 300.0)), (1, 0), source, logits)
    assert refined.masks[0].window == first, "all that is meant lies there: it goes on"
    _, taken = ask(((400.0, 300.0), far), (1, 0), source, logits)
    assert taken.masks[0].window == first, "nothing is masked there anyway"
    _, added = ask(((400.0, 300.0), far), (1, 1), source, logits)
    x0, y0, x1, y1 = added.masks[0].box
    assert x0 <= 400 and y0 <= 300 and x1 >= 2300 and y1 >= 1300


def test_a_closer_look_makes_the_edges_of_large_pictures_sharp(tmp_path: Path):
    rows, columns = np.ogrid[:900, :1200]
    truth = np.hypot(rows - 300, columns - 400) < 60
    pixels = np.where(truth[..., None], 250, 5).astype(np.uint8).repeat(3, -1)
    (tmp_path / "picture").write_bytes(pixels.tobytes())
    desk = bright_desk()

    def click(sharp: bool | None) -> tuple[SegmentResult, float]:
        prompts = (PromptMessage(((400.0, 300.0),), (1,)),)
        request = SegmentRequest("a" * 64, 900, 1200, prompts=prompts, sharp=sharp)
        answer = read_body(
            b"".join(desk.answer(read_body(b"".join(BodyWriter().finish(request))), tmp_path / "picture"))
        )
        result = answer.message(SegmentResult)
        assert result.bits
        x0, y0, x1, y1 = result.masks[0].box
        bits = np.unpackbits(answer.array(result.bits)[0], count=(y1 - y0) * (x1 - x0)).reshape(y1 - y0, x1 - x0)
        mask = np.zeros(truth.shape, bool)
        mask[y0:y1, x0:x1] = bits
        return result, (mask & truth).sum() / (mask | truth).sum()

    _, coarse = click(False)
    result, sharp = click(None)
    assert result.encodings == 1
    assert result.masks[0].window != (0, 0, 1200, 900)
    assert 1 - sharp < 0.4 * (1 - coarse)
    assert click(None)[0].encodings == 0
