"""Training data out of nothing: random places, their exact maps, pictures painted on them, and words for those.

    python -m scripts.train.data scenes|sam|judge [--count N] [--first SEED] [--folder DIR]

Writes shards of 100 samples; those that are there stay, so that an interrupted run goes on. Samples from seed
``HELD_OUT`` on are never trained on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.core.preview import paint

from . import wording
from .layouts import draw
from .shading import shade

FOLDER = Path("build/train/data")
HELD_OUT = 1_000_000
SHARD = 100
SIDES = {"scenes": 96, "sam": 256, "judge": 64}
"""pixels of the square pictures"""
COUNTS = {"scenes": 4000, "sam": 1500, "judge": 2000}


@dataclass(frozen=True, eq=False)
class Drawn:
    """One picture with what was said of it."""

    picture: np.ndarray
    """uint8 H×W×3"""
    maps: SceneMaps
    prompt: str
    words: str
    """of the prompt, those that change the picture's mood"""
    region: np.ndarray
    """bool H×W: what has a prompt of its own, perhaps nothing"""
    region_prompt: str


def scene(seed: int, size: tuple[int, int]) -> Drawn:
    """The painted picture of a random place; the same for the same seed and size (width, height)."""
    random = np.random.default_rng([seed, 2])
    maps = draw(seed, size)
    words = wording.mood(random)
    prompt = words
    if random.random() < 0.25 and (named := _described(random, maps)):
        prompt = ", ".join(filter(None, [words, f"a {wording.look(random)} {named[0]}"]))
    picture = paint(maps, prompt, seed)
    region, text = np.zeros(maps.class_map.shape, bool), ""
    if random.random() < 0.35 and (named := _described(random, maps)):
        name, region = named
        text = f"{wording.look(random)} {name}"
        other = paint(maps, f"{words}, {text}", seed)
        picture = np.where(region[..., None], other, picture)
    return Drawn(picture, maps, wording.around(random, prompt, maps), words, region, text)


def _described(random: np.random.Generator, maps: SceneMaps) -> tuple[str, np.ndarray] | None:
    """One visible thing that looks can be told of: its class and its mask; None where there is none."""
    least = 0.01 * maps.class_map.size
    fitting = [one for one in maps.instances if one.class_name in wording.DESCRIBED and one.pixels > least]
    if not fitting:
        return None
    one = fitting[int(random.integers(len(fitting)))]
    return str(one.class_name), maps.instance_map == one.id


def _scenes(seeds: Sequence[int]) -> dict[str, np.ndarray]:
    drawn = [scene(seed, (SIDES["scenes"],) * 2) for seed in seeds]
    texts = [{"prompt": one.prompt, "words": one.words, "region": one.region_prompt} for one in drawn]
    return {
        "picture": np.stack([one.picture for one in drawn]),
        "classes": np.stack([one.maps.class_map.astype(np.uint8) for one in drawn]),
        "region": np.stack([one.region for one in drawn]),
        "texts": np.array(json.dumps(texts)),
    }


def _sam(seeds: Sequence[int]) -> dict[str, np.ndarray]:
    pictures, ids = [], []
    for seed in seeds:
        random = np.random.default_rng([seed, 3])
        maps = draw(seed, (SIDES["sam"],) * 2)
        words = wording.mood(random) if random.random() < 0.6 else ""
        pictures += [np.stack([paint(maps, words, seed), shade(maps, random)])]
        ids.append(maps.instance_map.astype(np.uint8))
    return {"picture": np.stack(pictures), "ids": np.stack(ids)}


def _judge(seeds: Sequence[int]) -> dict[str, np.ndarray]:
    """Places under the sky, each with one word of ``wording.JUDGED``."""
    words = [seed % len(wording.JUDGED) for seed in seeds]
    maps = [draw(seed, (SIDES["judge"],) * 2, outdoors=True) for seed in seeds]
    drawn = [paint(one, wording.JUDGED[word], seed) for one, word, seed in zip(maps, words, seeds, strict=True)]
    classes = np.stack([one.class_map.astype(np.uint8) for one in maps])
    return {"picture": np.stack(drawn), "classes": classes, "word": np.array(words)}


_MAKERS = {"scenes": _scenes, "sam": _sam, "judge": _judge}


def make(kind: str, count: int, first: int, folder: Path) -> list[Path]:
    """The shards of ``count`` samples from seed ``first`` on, made where they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    paths, began = [], time.monotonic()
    for done, start in enumerate(range(first, first + count, SHARD)):
        path = folder / f"{kind}-{start:08}.npz"
        paths.append(path)
        if path.exists():
            continue
        beside = path.with_suffix(f".{os.getpid()}")
        with beside.open("wb") as file:
            np.savez_compressed(file, **_MAKERS[kind](range(start, min(start + SHARD, first + count))))
        beside.rename(path)
        spent = time.monotonic() - began
        left = spent / (done + 1) * (count / SHARD - done - 1)
        print(f"{kind}: {min((done + 1) * SHARD, count)} of {count} samples, {left / 60:.1f} min left", flush=True)
    return paths


def shards(kind: str, folder: Path, held_out: bool = False) -> Iterator[dict[str, np.ndarray]]:
    """What is there, shard by shard."""
    for path in sorted(folder.glob(f"{kind}-*.npz")):
        if (int(path.stem.rpartition("-")[2]) >= HELD_OUT) == held_out:
            with np.load(path) as file:
                yield dict(file)


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="scripts.train.data", description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=tuple(_MAKERS))
    parser.add_argument("--count", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args(arguments)
    make(given.kind, given.count or COUNTS[given.kind], given.first, given.folder)


if __name__ == "__main__":
    main(sys.argv[1:])
