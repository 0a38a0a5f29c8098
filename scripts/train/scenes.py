"""Trains tiny-scenes on the pictures of ``data``: small ones first, which is quick, then at the model's own size."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from torch.nn import functional as F

from blender_segaddon.core.colourise import semantic_image
from blender_segaddon.core.vocabulary import load as load_vocabulary

from . import codes, data, wording
from .drawing import SPREAD, Drawing, scheduler
from .running import CARDS, Run, device

NAME = "tiny-scenes"
SIDES = ((0.3, 16, 32), (0.75, 32, 16), (0.9, 48, 12), (1.0, 64, 8))
"""Up to which part of the steps pictures have which side, and how many of them a step has."""
_ENTRY = """\
[tiny-scenes]
title = "Tiny Scenes (small pictures, trained by this project)"
family = "sd15"
finish = "maps"
native = 96
steps = 6
guidance = 1.25
memory = 0.1
base = {{ path = "{0}" }}
controls = {{ segmentation = {{ path = "{0}/controlnet" }} }}
licence = "GPL-3.0-or-later"
licence_kind = "commercial"
licence_url = "https://www.gnu.org/licenses/gpl-3.0.html"
"""
"""Beside an exported model: by it a server finds it."""
DIVIDED = 0.4
"""Part of the steps whose pictures have a prompt for a region too."""
TEXT = ("text", "unet.add_embedding", "control.add_embedding")
"""What reads the prompt: at the full rate all prompts soon read alike, before any of them is understood."""
UNTOLD = 0.5
"""Part of the plain pictures, those without mood, that have no prompt: none means a plain day, which guidance goes away
from. Were others untold, none would mean a mean of all light and weather."""
OFTEN = {"": 3.0, "snow": 4.0, "autumn": 4.0, "fog": 2.0, "cloudy": 2.0}
"""How much more often than others pictures are shown whose words are learnt last; of several the most."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures with what is said of them."""

    pictures: torch.Tensor
    """float B×3×S×S, 0..1"""
    shown: torch.Tensor
    """float B×3×S×S, 0..1: classes in their colours"""
    region: torch.Tensor
    """float B×1×S×S: what has a prompt of its own"""
    prompts: list[str]
    region_prompts: list[str]


class Pictures:
    """Random batches out of what ``data`` made."""

    def __init__(self, folder: Path, seed: int, held_out: bool = False) -> None:
        parts = list(data.shards("scenes", folder, held_out))
        self.pictures, self.classes, self.regions = (
            np.concatenate([one[name] for one in parts]) for name in ("picture", "classes", "region")
        )
        self.texts = [text for one in parts for text in json.loads(str(one["texts"]))]
        often = np.array([_often(text["words"]) for text in self.texts])
        divided = np.array([bool(text["region"]) for text in self.texts])
        self._chances = [often * one for one in (~divided, divided if divided.any() else ~divided)]
        self._random = np.random.default_rng(seed)
        self._colours = semantic_image(np.arange(256, dtype=np.uint16)[None], load_vocabulary("ade20k"))[0]

    def shuffle(self, seed: int) -> None:
        """Draw others from now on."""
        self._random = np.random.default_rng(seed)

    def classes_shown(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(the colour of each class in a control picture, 0..1; how it looks on average, -0.5..0.5), float K×3."""
        shown = torch.from_numpy(self._colours[: len(load_vocabulary("ade20k").classes)].astype(np.float32) / 255)
        looks = codes.mean_colours(self.pictures, self.classes)[: len(shown)]
        return shown, torch.from_numpy(looks.astype(np.float32)) / 255 - 0.5

    def draw(self, side: int, count: int) -> Batch:
        """Another one each time: parts of pictures, mirrored or not; all with a region's prompt, or none."""
        random = self._random
        chances = self._chances[int(random.random() < DIVIDED)]
        chosen = random.choice(len(chances), count, p=chances / chances.sum())
        pictures, maps = zip(*(self._part(int(number), side) for number in chosen), strict=True)
        texts = [self.texts[number] for number in chosen]
        maps = np.stack(maps)
        return Batch(
            torch.stack(pictures),
            torch.from_numpy(self._colours[maps[..., 0]].astype(np.float32) / 255).permute(0, 3, 1, 2),
            torch.from_numpy(maps[..., 1].astype(np.float32))[:, None],
            ["" if not one["words"] and random.random() < UNTOLD else one["prompt"] for one in texts],
            [one["region"] for one in texts],
        )

    def _part(self, number: int, side: int) -> tuple[torch.Tensor, np.ndarray]:
        """(float 3×S×S, uint8 S×S×2: classes and region) of a square part of a picture."""
        random, whole = self._random, self.classes.shape[1]
        part = whole if random.random() < 0.4 else int(random.integers(side, whole + 1))
        top, left = random.integers(0, whole - part + 1, 2)
        window = (slice(top, top + part), slice(left, left + part))
        at = ((np.arange(side) + 0.5) * part / side).astype(int)
        maps = np.stack([self.classes[number][window], self.regions[number][window]], axis=-1)[at[:, None], at]
        picture = torch.from_numpy(self.pictures[number][window].astype(np.float32) / 255).permute(2, 0, 1)[None]
        picture = F.interpolate(picture, (side, side), mode="bilinear", antialias=True, align_corners=False)[0]
        if random.random() < 0.5:
            return picture.flip(-1), maps[:, ::-1]
        return picture, maps


def _often(words: str) -> float:
    """How much more often than others a picture of that mood is shown."""
    if not words:
        return OFTEN[""]
    groups = {**wording.WEATHER, **wording.SEASONS}
    told = [name for name, kinds in groups.items() if set(kinds) & set(words.split(", "))]
    return max([OFTEN.get(name, 1.0) for name in told], default=1.0)


class Shares:
    """How much each pixel of each picture of a batch listens to its two prompts; as ``generation.regions`` has it."""

    def __init__(self) -> None:
        self.region: torch.Tensor | None = None
        """float B×1×S×S; None: one prompt for all"""

    def bias(self, region: torch.Tensor, pixels: int, tokens: int) -> torch.Tensor:
        """B × pixels × tokens, for square pictures."""
        side = round(pixels**0.5)
        own = F.adaptive_avg_pool2d(region, side).flatten(1)
        both = torch.stack([1 - own, own], -1).clamp(1e-9, 1).log()
        return both.repeat_interleave(tokens // 2, dim=-1)


class Listening(AttnProcessor2_0):
    """Stock attention; the layers that listen to the prompt hear each pixel's own."""

    def __init__(self, shares: Shares) -> None:
        super().__init__()
        self._shares = shares

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, *rest, **more):
        region = self._shares.region
        if encoder_hidden_states is not None and region is not None:
            bias = self._shares.bias(region, hidden_states.shape[1], encoder_hidden_states.shape[1])
            attention_mask = bias.to(hidden_states).repeat_interleave(attn.heads, dim=0)
        return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, *rest, **more)


def _listen(net: Any, shares: Shares) -> None:
    net.set_attn_processor(
        {
            name: Listening(shares) if name.endswith("attn2.processor") else AttnProcessor2_0()
            for name in net.attn_processors
        }
    )


def train(folder: Path, steps: int, seed: int = 0) -> Run:
    """Train, or go on with a training; the run holds the averaged weights."""
    torch.manual_seed(seed)
    drawing, shares = Drawing(), Shares()
    pictures = Pictures(folder / "data", seed)
    if not (folder / f"{NAME}.pt").exists():
        codes.teach(drawing.control.controlnet_cond_embedding, *pictures.classes_shown())
    drawing.to(device())
    for net in (drawing.unet, drawing.control):
        _listen(net, shares)
    run = Run(NAME, folder, drawing, steps, lr=2e-3, warmup=100, decay=0.998, slow=TEXT)
    torch.manual_seed(seed + run.step)
    pictures.shuffle(seed + run.step)
    alphas = scheduler().alphas_cumprod.to(device())
    for step in run.go():
        side, count = next((side, count) for until, side, count in SIDES if step < until * steps or until == 1.0)
        run.learn(_loss(drawing, shares, pictures.draw(side, count), alphas))
    return run


def _loss(drawing: Drawing, shares: Shares, batch: Batch, alphas: torch.Tensor) -> torch.Tensor:
    where, count = alphas.device, len(batch.prompts)
    clean = batch.pictures.to(where)
    clean = (torch.cat([clean, clean.mean(1, keepdim=True)], 1) - 0.5) * SPREAD
    # More lies where there is next to nothing but noise: only there the map and the words are all that is known, and
    # the first of few steps decide what is drawn. Much more there would leave grain: the last steps take that away.
    times = ((1 - torch.rand(count, device=where) ** 1.3) * len(alphas)).long().clamp(max=len(alphas) - 1)
    kept, lost = (value.sqrt()[:, None, None, None] for value in (alphas[times], 1 - alphas[times]))
    noise = torch.randn_like(clean)
    tokens = _read(drawing, batch.prompts)
    shares.region = None
    if any(batch.region_prompts):
        tokens = torch.cat([tokens, _read(drawing, batch.region_prompts)], 1)
        shares.region = batch.region.to(where) * (0.6 + 0.4 * torch.rand(count, 1, 1, 1, device=where))
    told = drawing(kept * clean + lost * noise, times, tokens, batch.shown.to(where))
    return F.mse_loss(told, kept * noise - lost * clean)


def _read(drawing: Drawing, texts: list[str]) -> torch.Tensor:
    tokens = drawing.tokens_of(texts).to(drawing.unet.device)
    return drawing.text(tokens).last_hidden_state


def export(run: Run, folder: Path) -> None:
    """The averaged weights as a folder of diffusers, its model card in it, and what a server is told of it beside."""
    drawing = Drawing()
    drawing.load_state_dict({name: value.cpu() for name, value in run.average.state.items()})
    drawing.save(folder)
    shutil.copy(CARDS / "tiny-scenes.md", folder / "README.md")
    (folder.parent / "models.toml").write_text(_ENTRY.format(folder.name))
