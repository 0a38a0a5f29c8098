"""Figures of the trained models, on places that they have never seen.

    python -m scripts.train.evaluation obedience|words|sam|speed [--count N] [--models DIR] [--json FILE]

obedience: of the pixels, how many have the colour that the map's class has in painted pictures (the nearest mean of the
classes in that picture), for painted pictures, drawn ones, and drawn ones against another place's map; and what the
judge says.
words: how often the judge hears a prompt's word in painted and in drawn pictures.
sam: IoU of one click (best of three masks), one box and a second click, beside GrabCut (the segmenter without weights).
speed: seconds of a picture of 1024×576, warm.

``--captured``: obedience and sam on folders that ``captured`` made of real scenes, not on places built at random.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from blender_segaddon.core.files import load_maps
from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.core.masks import bbox
from blender_segaddon.core.preview import paint
from bridge_server.models.catalogue import SHIPPED

from . import data, judge, pictures, wording
from .codes import mean_colours
from .layouts import draw
from .sam_samples import inside
from .training import FOLDER

Figures = dict[str, Any]
_SIDE = 64
_SMALLEST = 120 / 256**2
"""part of a picture that a thing has at least, to be clicked at"""


def obeyed(picture: np.ndarray, classes: np.ndarray, colours: np.ndarray) -> float:
    """Part of the pixels whose colour is nearest to that of their own class, among the classes of the map."""
    there = [number for number in np.unique(classes) if np.isfinite(colours[number]).all()]
    known = np.isin(classes, there)
    if len(there) < 2:
        return float("nan")
    distance = np.square(picture[known][:, None].astype(float) - colours[there][None]).sum(2)
    return float((np.array(there)[distance.argmin(1)] == classes[known]).mean())


def obedience(count: int, models: Path | None, folder: Path, captured: Sequence[Path] = ()) -> Figures:
    """See the module; prompts are empty, so that colours are those of daylight."""
    maps = [load_maps(one) for one in captured]
    maps = maps or [draw(data.HELD_OUT + number, (_SIDE, _SIDE)) for number in range(count)]
    others = [*maps[1:], maps[0]]
    known = [paint(one, "", 7_000 + number) for number, one in enumerate(maps)]
    colours = mean_colours(np.stack(known), np.stack([one.class_map for one in maps]))
    painted = [paint(one, "", number) for number, one in enumerate(maps)]
    model = pictures.load(models)
    drawn = [pictures.draw(model, one, "", number) for number, one in enumerate(maps)]
    pairs = {"painted": (painted, maps), "drawn": (drawn, maps), "drawn, another map": (drawn, others)}
    figures: Figures = {
        name: round(float(np.nanmean([obeyed(one, m.class_map, colours) for one, m in zip(*pair, strict=True)])), 4)
        for name, pair in pairs.items()
    }
    if (folder / "judge.pt").exists():
        figures |= {f"judge: {name}": round(_judged(folder, *pair), 4) for name, pair in pairs.items()}
    return figures


def _judged(folder: Path, shown: Sequence[np.ndarray], maps: Sequence[SceneMaps]) -> float:
    """Part of the pixels whose class the judge names, at the size that it knows."""
    height = min(_SIDE, len(shown[0]))
    size = (round(height * shown[0].shape[1] / len(shown[0])) // 2 * 2, height)
    small = [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BOX)) for one in shown]
    classes = [Image.fromarray(one.class_map.astype(np.uint8)).resize(size, Image.Resampling.NEAREST) for one in maps]
    seen, _ = asked(judge.load(folder), small)
    return float((seen.argmax(1).numpy() == judge.halved(np.stack([np.asarray(one) for one in classes]))).mean())


def asked(network: judge.Judge, shown: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """What the judge says of pictures, uint8 H×W×3 of one size each: (logits of classes, of words)."""
    with torch.inference_mode():
        return network(torch.from_numpy(np.stack(shown).astype(np.float32) / 255).permute(0, 3, 1, 2))


def words(count: int, models: Path | None, folder: Path) -> Figures:
    """See the module; ``count`` places for each word."""
    network, model = judge.load(folder), pictures.load(models)
    maps = [draw(data.HELD_OUT + number, (_SIDE, _SIDE), outdoors=True) for number in range(count)]
    figures: Figures = {}
    makers: dict[str, Callable[[SceneMaps, str, int], np.ndarray]] = {
        "painted": paint,
        "drawn": lambda one, word, seed: pictures.draw(model, one, word, seed),
    }
    for number, word in enumerate(wording.JUDGED):
        for name, maker in makers.items():
            _, heard = asked(network, [maker(one, word, seed) for seed, one in enumerate(maps)])
            figures[f"{name}: {word or 'no word'}"] = round(float((heard.argmax(1) == number).float().mean()), 3)
    return figures


def sam(count: int, models: Path | None, folder: Path, captured: Sequence[Path] = ()) -> Figures:
    """See the module; ``count`` held-out pictures, one thing on each."""
    from bridge_server.segmentation.classical import Classical
    from bridge_server.segmentation.sam import Sam

    file = (SHIPPED if models is None else models) / "sams/tiny-sam.pth"
    if captured:
        shown = [(np.asarray(Image.open(one / "render.png")), load_maps(one).instance_map) for one in captured]
        cases = [_case(*shown[number % len(shown)], number) for number in range(count)]
    else:
        part = next(data.shards("sam", folder / "data", held_out=True))
        numbers = range(min(count, len(part["ids"])))
        cases = [_case(part["picture"][number, number % 2], part["ids"][number], number) for number in numbers]
    segmenters = {"tiny-sam": Sam(file, "cpu"), "GrabCut": Classical()}
    return {name: _segmented(segmenter, cases) for name, segmenter in segmenters.items()}


def _case(picture: np.ndarray, ids: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(picture, mask of one thing on it, a place inside)."""
    random = np.random.default_rng([number, 4])
    kinds, pixels = np.unique(ids, return_counts=True)
    mask = ids == random.choice(kinds[pixels >= _SMALLEST * ids.size])
    return picture, mask, inside(mask, random)


def _segmented(segmenter: Any, cases: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Figures:
    """Mean IoU of a click, of a box, and of a click more where the click's mask was wrong."""
    from bridge_server.segmentation.segmenter import Prompt

    found: dict[str, list[float]] = {"click": [], "box": [], "second click": []}
    for picture, mask, place in cases:
        seen = segmenter.encode(picture)
        one = segmenter.masks(seen, [Prompt(place[None].astype(float), np.ones(1, np.int64))], True)[0]
        box = np.array(bbox(mask), float)
        framed = segmenter.masks(seen, [Prompt(np.zeros((0, 2)), np.zeros(0, np.int64), box)], False)[0]
        fits = [overlap(answer, mask) for answer in one.masks]
        found["click"].append(max(fits))
        found["box"].append(overlap(framed.masks[0], mask))
        best = int(np.argmax(fits))
        wrong = one.masks[best] != mask
        more = inside(wrong if wrong.any() else mask, np.random.default_rng(0))
        label = int(mask[int(more[1]), int(more[0])])
        logits = None if one.logits is None else one.logits[best]
        clicks = Prompt(np.stack([place, more]).astype(float), np.array([1, label]), None, logits)
        again = segmenter.masks(seen, [clicks], False)
        found["second click"].append(overlap(again[0].masks[0], mask))
    return {name: round(float(np.mean(values)), 4) for name, values in found.items()}


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks."""
    return float((a & b).sum() / max(1, (a | b).sum()))


def speed(count: int, models: Path | None, folder: Path) -> Figures:
    """See the module."""
    del folder
    began = time.perf_counter()
    model = pictures.load(models)
    figures: Figures = {"load": round(time.perf_counter() - began, 3)}
    maps, taken = draw(data.HELD_OUT, (1024, 576)), []
    for number in range(max(2, min(count, 5) + 1)):
        began = time.perf_counter()
        pictures.draw(model, maps, "sunset", number)
        taken.append(time.perf_counter() - began)
    return figures | {"first": round(taken[0], 3), "warm": round(float(np.median(taken[1:])), 3)}


PARTS = {"obedience": obedience, "words": words, "sam": sam, "speed": speed}


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="scripts.train.evaluation", description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=tuple(PARTS))
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--models", type=Path, help="folder with models.toml and sams/; the shipped one if left out")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--captured", type=Path, nargs="+", default=(), metavar="DIR")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    if given.captured and given.part not in ("obedience", "sam"):
        parser.error("--captured is for obedience and sam: the judge of words knows places of its own kind")
    figures = PARTS[given.part](given.count, given.models, given.folder, *filter(None, [given.captured]))
    print(json.dumps(figures, indent=2))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
