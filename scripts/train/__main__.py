"""Everything from nothing: data, training, models, figures.

    python -m scripts.train [--folder DIR] [--threads N] [--into DIR]

What is done already is not done again: after an interruption the same command goes on. The models go into ``--into``
(bridge_server/shipped), figures and curves beside the checkpoints.
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


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="scripts.train", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--into", type=Path, default=SHIPPED)
    parser.add_argument("--threads", type=int, help="of the processor; all if left out")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    for kind, count in data.COUNTS.items():
        data.make(kind, count, 0, given.folder / "data")
    data.make("sam", 200, data.HELD_OUT, given.folder / "data")
    judge.train(given.folder, STEPS["judge"])
    sam.export(sam.train(given.folder, STEPS["sam"]), given.into / "sams/tiny-sam.pth")
    scenes.export(scenes.train(given.folder, STEPS["scenes"]), given.into / "tiny-scenes")
    draw_curves(given.folder, given.folder / "curves.png")
    figures = {name: part(200, given.into, given.folder) for name, part in evaluation.PARTS.items()}
    (given.folder / "figures.json").write_text(json.dumps(figures, indent=2))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
