"""Everything from nothing: data, training, models, figures.

    python -m scripts.train [scenes] [sam] [--folder DIR] [--threads N] [--into DIR]

Both models where none is named. What is done already is not done again: after an interruption the same command goes on.
The models go into ``--into`` (bridge_server/shipped), figures and curves beside the checkpoints.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from bridge_server.models.catalogue import SHIPPED

from . import data, evaluation, judge, sam, scenes
from .curves import draw_curves
from .training import FOLDER, STEPS

EVALUATED = {"scenes": ("obedience", "words", "speed"), "sam": ("sam",)}
COUNT = 200
"""held-out places that figures are taken of"""


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="scripts.train", description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="scenes | sam")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--into", type=Path, default=SHIPPED)
    parser.add_argument("--threads", type=int, help="of the processor; all if left out")
    given = parser.parse_args(arguments)
    if unknown := set(given.models) - set(EVALUATED):
        parser.error(f"'{unknown.pop()}' is no model: name scenes, sam, or none for both")
    if given.threads:
        torch.set_num_threads(given.threads)
    for model in given.models or EVALUATED:
        _made(model, given.folder, given.into)
    draw_curves(given.folder, given.folder / "curves.png")
    parts = [part for model in given.models or EVALUATED for part in EVALUATED[model]]
    figures = {name: evaluation.PARTS[name](COUNT, given.into, given.folder) for name in parts}
    (given.folder / "figures.json").write_text(json.dumps(figures, indent=2))
    print(json.dumps(figures, indent=2))


def _made(model: str, folder: Path, into: Path) -> None:
    """Data, training and the finished model; the judge too where it is needed."""
    data.make(model, data.COUNTS[model], 0, folder / "data")
    if model == "sam":
        data.make("sam", COUNT, data.HELD_OUT, folder / "data")
        sam.export(sam.train(folder, STEPS["sam"]), into / "sams/tiny-sam.pth")
        return
    data.make("judge", data.COUNTS["judge"], 0, folder / "data")
    judge.train(folder, STEPS["judge"])
    scenes.export(scenes.train(folder, STEPS["scenes"]), into / "tiny-scenes")


if __name__ == "__main__":
    main(sys.argv[1:])
