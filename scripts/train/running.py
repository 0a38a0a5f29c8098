"""What the trainings share: where they go on from, how they tell of themselves, and how weights are averaged."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

CARDS = Path(__file__).with_name("cards")
"""The models' cards, which go where the models go."""

SAVED_EVERY = 120.0
"""seconds between two checkpoints"""
_SLOW = 0.2
"""of the learning rate"""
TOLD_EVERY = 15.0
"""seconds between two lines of progress"""


def device() -> str:
    """ "cuda" where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


class Average:
    """The running mean of a network's weights (EMA): it draws better than the weights of the last step."""

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self.count = 0

    def update(self, network: torch.nn.Module) -> None:
        """After a step; the first steps count more."""
        self.count += 1
        share = 1 - min(self.decay, (1 + self.count) / (10 + self.count))
        with torch.no_grad():
            for name, value in network.state_dict().items():
                if value.is_floating_point():
                    self.state[name].lerp_(value, share)
                else:
                    self.state[name].copy_(value)


@dataclass
class Run:
    """One training that can be stopped and gone on with.

    Args:
        folder: of the checkpoint and the log.
        steps: in all.
        lr: the highest rate; it rises over ``warmup`` steps and falls as a cosine to nothing.
        slow: beginnings of names of parameters that learn at a fifth of it.
        muon: the highest rate at which Muon (Jordan et al. 2024) learns the weights of linear layers, in place of
            AdamW; 0: AdamW learns all.
    """

    name: str
    folder: Path
    network: torch.nn.Module
    steps: int
    lr: float
    warmup: int = 100
    decay: float = 0.998
    slow: tuple[str, ...] = ()
    muon: float = 0.0
    step: int = 0
    seconds: float = 0.0
    log: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        linear = [one.weight for one in self.network.modules() if isinstance(one, torch.nn.Linear) and self.muon]
        turned = {id(one) for one in linear}
        named = [(name, one) for name, one in self.network.named_parameters() if id(one) not in turned]
        usual = {"params": [one for name, one in named if not name.startswith(self.slow)], "highest": self.lr}
        slow = {"params": [one for name, one in named if name.startswith(self.slow)], "highest": _SLOW * self.lr}
        groups = [one for one in (usual, slow) if one["params"]]
        self.optimisers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups, lr=self.lr, weight_decay=0.01, betas=(0.9, 0.98))
        ]
        if linear:
            groups = [{"params": linear, "highest": self.muon}]
            self.optimisers.append(torch.optim.Muon(groups, lr=self.muon, weight_decay=0.01))
        self.average = Average(self.network, self.decay)
        if self.path.exists():
            self._resume()

    @property
    def path(self) -> Path:
        """The checkpoint."""
        return self.folder / f"{self.name}.pt"

    def rate(self, step: int) -> float:
        """The learning rate of a step, as a part of the highest."""
        rise = min(1.0, (step + 1) / self.warmup)
        fall = torch.cos(torch.tensor(min(step / self.steps, 1.0) * torch.pi / 2)).item() ** 2
        return rise * max(fall, 0.01)

    def go(self) -> Iterator[int]:
        """The steps that are left; between them checkpoints are saved and progress is told."""
        torch.set_flush_denormal(True)  # gradients become that small, and processors slow with them
        began, before = time.monotonic(), self.seconds
        saved = told = began
        first = self.step
        while self.step < self.steps:
            for group in itertools.chain.from_iterable(one.param_groups for one in self.optimisers):
                group["lr"] = self.rate(self.step) * group["highest"]
            yield self.step
            self.step += 1
            now = time.monotonic()
            self.seconds = before + now - began
            if now - told > TOLD_EVERY:
                told = now
                self._tell((now - began) / (self.step - first))
            if now - saved > SAVED_EVERY:
                saved = now
                self.save()
        self.save()

    def learn(self, loss: torch.Tensor, **figures: float) -> None:
        """One step down the gradient; the figures go into the log."""
        self.network.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for one in self.optimisers:
            one.step()
        self.average.update(self.network)
        self.log.append({"step": self.step, "loss": loss.item(), **figures})

    def save(self) -> None:
        """The checkpoint, whole or not at all, and the log beside it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {
            "network": self.network.state_dict(),
            "optimisers": [one.state_dict() for one in self.optimisers],
            "average": self.average.state,
            "count": self.average.count,
            "step": self.step,
            "seconds": self.seconds,
            "log": self.log,
        }
        beside = self.path.with_suffix(f".{os.getpid()}")
        torch.save(state, beside)
        beside.rename(self.path)
        (self.folder / f"{self.name}.json").write_text(json.dumps({"seconds": self.seconds, "log": self.log}))

    def _resume(self) -> None:
        state = torch.load(self.path, map_location=device(), weights_only=True)
        if "optimisers" not in state:
            raise SystemExit(f"{self.path} is of an earlier version: move it away to train anew")
        self.network.load_state_dict(state["network"])
        for one, kept in zip(self.optimisers, state["optimisers"], strict=True):
            one.load_state_dict(kept)
        self.average.state, self.average.count = state["average"], state["count"]
        self.step, self.seconds, self.log = state["step"], state["seconds"], state["log"]

    def _tell(self, pace: float) -> None:
        recent = self.log[-50:]
        names = dict.fromkeys(name for one in recent for name in one)
        figures = {name: [one[name] for one in recent if name in one] for name in names}
        told = " ".join(f"{key} {sum(values) / len(values):.4f}" for key, values in figures.items() if key != "step")
        left = pace * (self.steps - self.step) / 60
        print(f"{self.name} {self.step}/{self.steps} {told} {pace:.2f} s a step, {left:.0f} min left", flush=True)
