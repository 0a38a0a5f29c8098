"""Training of the small models, on CPU or GPU; a run that was stopped goes on where it was saved.

    python -m scripts.train.training sam|scenes|judge [--steps N] [--folder DIR] [--threads N]

The checkpoint and the log lie in the folder (build/train); ``python -m scripts.train`` makes the models of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

FOLDER = Path("build/train")
STEPS = {"sam": 6000, "scenes": 14000, "judge": 1500}


def main(arguments: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="scripts.train.training", description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=tuple(STEPS))
    parser.add_argument("--steps", type=int, help="of the whole run, those before an interruption counted in")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--threads", type=int, help="of the processor; all if left out")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    train(given.kind, given.folder, given.steps or STEPS[given.kind])


def train(kind: str, folder: Path, steps: int) -> None:
    """One training, from zero or from its checkpoint."""
    if kind == "sam":
        from . import sam as program
    elif kind == "judge":
        from . import judge as program
    else:
        from . import scenes as program
    program.train(folder, steps)


if __name__ == "__main__":
    main(sys.argv[1:])
