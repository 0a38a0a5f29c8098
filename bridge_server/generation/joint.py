"""FLUX.2: maps, reference pictures and prompts of regions for a transformer that is shown pictures beside the text.

It has no ControlNet: a depth map or an outline is a picture that it looks at, as a reference is, and words say what
each of them is for. Pictures come in behind the noise in the transformer's own sequence, with the positions that the
stock pipeline gives them, so that every stock pipeline has them, each with a weight, a window of steps and a place.

One table of scores is added to the attention, rows for what looks and columns for what is looked at: a text sees itself
and no other text; a pixel sees each text by its share and each picture by its weight there (their logarithms). With one
text and pictures of weight 1 everywhere there is no table: then it is stock diffusers. All numbers of the transformer
are in single file: texts, the picture in the making, what the pipeline itself put behind it, the pictures from here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image

from blender_segaddon.core.maps import SceneMaps
from blender_segaddon.protocol.messages import Control

from ..generators import ReferenceInput
from .controlnets import is_active
from .sizes import Pass, fit_map
from .transformer import apart

_TURN = 10
"""Between two pictures on the first axis of positions, as the model was trained."""
_LARGEST = 1024 * 1024
"""Pixels of a picture that is shown; larger ones are made smaller, as the stock pipeline does."""
_SMALLEST = 64
"""Pixels of its shorter side."""

_NAMES = {"depth": "a depth map", "lineart": "the outlines"}


@dataclass(frozen=True, eq=False)
class _Shown:
    """A picture that the transformer looks at."""

    tokens: torch.Tensor
    """1×tokens×channels"""
    grid: tuple[int, int]
    """rows and columns of its tokens"""
    use: Control
    """how much it counts, and in which steps; its kind does not matter here"""
    where: torch.Tensor | None = None
    """1 for each token of the picture in the making that sees it, else 0; None: all do"""
    aligned: bool = False
    """whether it shows the very view that is drawn"""


class Joint:
    """What the transformer is told of one run, besides text and noise."""

    def __init__(self, transformer: Any) -> None:
        self._shown: list[_Shown] = []
        self._lengths: list[int] = []
        self._shares: torch.Tensor | None = None
        self._pixels = self._steps = self._calls = 0
        self._each = 1
        self._scores: dict[tuple, torch.Tensor | None] = {}
        transformer.register_forward_pre_hook(self._before, with_kwargs=True)

    def start(self, steps: int, size: tuple[int, int], guided: bool) -> None:
        """Before each run: no picture and no region, until it is told of them.

        Args:
            size: (width, height) in pixels of what is drawn, multiples of 16.
            guided: the transformer is called twice a step.
        """
        self._shown, self._lengths, self._shares, self._scores = [], [], None, {}
        self._pixels = (size[0] // 16) * (size[1] // 16)
        self._steps, self._calls, self._each = steps, 0, 2 if guided else 1

    def control(
        self, controls: Sequence[tuple[Control, Image.Image]], pipeline: Any, _net_of: Callable[[str], Any]
    ) -> None:
        """Maps of the view that is drawn, as pictures."""
        self._shown += [replace(_read(picture, pipeline), use=use, aligned=True) for use, picture in controls]

    def refer(self, references: Sequence[ReferenceInput], maps: SceneMaps | None, size: Pass, pipeline: Any) -> None:
        """Pictures of what something should look like."""
        for one in references:
            read = _read(_fitting(Image.fromarray(one.image)), pipeline)
            self._shown.append(replace(read, use=Control("depth", one.weight), where=_place(one, maps, size)))

    def regions(self, lengths: Sequence[int], shares: torch.Tensor) -> None:
        """Texts of this run.

        Args:
            lengths: tokens of each text, the picture's first.
            shares: texts×height×width of the latent, two by two of which make a token; sums to 1 a pixel.
        """
        self._lengths = list(lengths)
        self._shares = torch.nn.functional.avg_pool2d(shares[None], 2)[0].flatten(1).T.clamp(0, 1)

    def _before(self, _transformer: Any, args: tuple, told: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        """Before each call of the transformer: what it is given."""
        step, self._calls = self._calls // self._each, self._calls + 1
        active = [(k, one) for k, one in enumerate(self._shown) if is_active(one.use, step, self._steps)]
        shown = [one for _, one in active]
        drawn, ids = told["hidden_states"], told["img_ids"]
        texts = told["encoder_hidden_states"].shape[1]
        told = dict(told)
        if shown:
            tokens = [one.tokens.to(drawn.device, drawn.dtype).expand(len(drawn), -1, -1) for one in shown]
            first = int(ids[..., 0].max()) + _TURN
            places = [_positions(first + _TURN * k, one.grid) for k, one in active]
            behind = torch.cat(places).to(ids.device, ids.dtype)
            told["hidden_states"] = torch.cat([drawn, *tokens], 1)
            told["img_ids"] = torch.cat([ids, behind.expand(*ids.shape[:-2], -1, -1)], -2)
        if self._lengths:
            ids = told["txt_ids"].clone()
            ids[..., 3] = torch.cat([torch.arange(length) for length in self._lengths]).to(ids)
            told["txt_ids"] = ids
        scores = self._table(shown, texts, drawn)
        if scores is not None:
            told["joint_attention_kwargs"] = {**(told.get("joint_attention_kwargs") or {}), "attention_mask": scores}
        return args, told

    def _table(self, shown: Sequence[_Shown], texts: int, drawn: torch.Tensor) -> torch.Tensor | None:
        """What is added to the attention: 1×1×tokens×tokens; the same one for all steps that see the same.

        One is held at a time: at 2048² with a map it takes 2 GB in half precision."""
        key = (*map(id, shown), drawn.shape[1], drawn.dtype, drawn.device)
        if key not in self._scores:
            plain = self._shares is None and all(one.use.weight == 1 and one.where is None for one in shown)
            self._scores = {}  # before the next one is made
            lengths = self._lengths or [texts]
            made = None if plain else table(shown, lengths, self._shares, drawn.shape[1], self._pixels, drawn)
            self._scores[key] = None if made is None else made[None, None]
        return self._scores[key]


def table(
    shown: Sequence[_Shown],
    lengths: Sequence[int],
    shares: torch.Tensor | None,
    drawn: int,
    pixels: int,
    like: torch.Tensor,
) -> torch.Tensor:
    """Scores of everything among itself, see the head of this module: tokens×tokens, where and as ``like`` is.

    Args:
        shown: the pictures.
        lengths: tokens of each text.
        shares: pixels×texts, None for one text.
        drawn: tokens that the pipeline itself gives: those of the picture in the making, then perhaps others of the
            same view.
        pixels: tokens of the picture in the making.
    """
    texts, sizes = sum(lengths), [one.tokens.shape[1] for one in shown]
    scores = like.new_zeros(texts + drawn + sum(sizes), texts + drawn + sum(sizes))
    scores[:texts, :texts] = apart(lengths)
    starts = np.cumsum([texts + drawn, *sizes])[:-1]
    for one, start, size in zip(shown, starts, sizes, strict=True):
        columns = slice(start, start + size)
        scores[:, columns] = float(np.log(one.use.weight))
        if one.where is not None:
            scores[texts : texts + pixels, columns] += one.where.log()[:, None].to(scores)
        scores[columns, columns] = 0
    if shares is not None:
        heard = shares.log().repeat_interleave(torch.tensor(lengths), dim=1)
        scores[texts:, :texts] = _by_first(lengths)  # what shows no place of the view hears the picture's text alone
        rows = [texts + k for k in range(0, drawn, pixels)]
        rows += [start for one, start in zip(shown, starts, strict=True) if one.aligned]
        for row in rows:
            scores[row : row + pixels, :texts] = heard
    return scores


def words(controls: Sequence[Control], references: int, first: int) -> str:
    """What the model is told of the pictures that it is shown, before any prompt: "" without some.

    Args:
        first: number of the first one; before it is the picture that a run starts from.
    """
    said = [f"Image {k} is {_NAMES[one.kind]} of the scene: keep its layout." for k, one in enumerate(controls, first)]
    said += [f"Image {first + len(controls) + k} shows the look." for k in range(references)]
    return " ".join(said)


def from_picture(pipeline: Any, options: dict[str, Any], size: Pass) -> dict[str, Any]:
    """The options of the stock inpainting pipeline, so that it starts from a picture.

    It would make pictures of more than a megapixel smaller without a word; latents it takes as they are.
    """
    given = options["image"]
    if isinstance(given, np.ndarray):
        given = given[None]
    ready = pipeline.image_processor.preprocess(given).to(pipeline._execution_device, pipeline.vae.dtype)
    with torch.no_grad():
        latents = pipeline._patchify_latents(pipeline.vae.encode(ready).latent_dist.mode())
    everything = Image.new("L", size.padded, 255)
    return {"mask_image": everything, **options, "image": latents}


def _by_first(lengths: Sequence[int]) -> torch.Tensor:
    row = torch.full((sum(lengths),), -torch.inf)
    row[: lengths[0]] = 0
    return row


def _positions(turn: int, grid: tuple[int, int]) -> torch.Tensor:
    """tokens×4: (which picture, row, column, 0)."""
    rows, columns = grid
    return torch.cartesian_prod(torch.tensor([turn]), torch.arange(rows), torch.arange(columns), torch.arange(1))


def _read(picture: Image.Image, pipeline: Any) -> _Shown:
    """A picture whose sides are multiples of 16, as the transformer reads it."""
    width, height = picture.size
    ready = pipeline.image_processor.preprocess(picture, height=height, width=width, resize_mode="crop")
    with torch.no_grad():
        latents = pipeline._encode_vae_image(ready.to(pipeline._execution_device, pipeline.vae.dtype), generator=None)
    return _Shown(pipeline._pack_latents(latents), (height // 16, width // 16), Control("depth"))


def _fitting(picture: Image.Image) -> Image.Image:
    """A picture of any size at one that can be shown: no more than a megapixel, sides that are multiples of 16."""
    width, height = picture.size
    scale = min((_LARGEST / (width * height)) ** 0.5, 1.0)
    scale = max(scale, _SMALLEST / min(width, height))
    sides = [max(round(side * scale), _SMALLEST) for side in (width, height)]
    if scale != 1:
        picture = picture.resize((sides[0], sides[1]), Image.Resampling.LANCZOS)
    columns, rows = sides[0] // 16 * 16, sides[1] // 16 * 16
    left, top = (sides[0] - columns) // 2, (sides[1] - rows) // 2
    return picture.crop((left, top, left + columns, top + rows))


def _place(one: ReferenceInput, maps: SceneMaps | None, size: Pass) -> torch.Tensor | None:
    """For each token whether its pixels are among those that a reference is for."""
    if maps is None or not one.instances:
        return None
    mask = torch.from_numpy(fit_map(np.isin(maps.instance_map, one.instances), size).astype(np.float32))
    return torch.nn.functional.avg_pool2d(mask[None, None], 16)[0, 0].flatten()
