"""Z-Image: controls and prompts of regions for a transformer that reads text and picture as one sequence.

Its stock pipelines know one control for the whole run and no regions. Here they come in through the transformer itself,
so that every stock pipeline (from noise, from a picture, under a mask) has them.

Regions: the tokens of all texts stand side by side, each text at the positions that it would have alone. A text sees
itself and the picture, and no other text; a pixel sees the picture and each text by its share, whose logarithm is added
to the scores. The same text everywhere therefore gives what one text gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from diffusers.models.transformers.transformer_z_image import SEQ_MULTI_OF, ZSingleStreamAttnProcessor
from PIL import Image

from blender_segaddon.protocol.messages import Control

from .controlnets import is_active


class Steering:
    """What the transformer and its ControlNet are told of one run, besides text and noise."""

    def __init__(self, transformer: Any) -> None:
        self._transformer = transformer
        self._stock = transformer.forward
        self._net: Any = None
        self._controls: list[tuple[Control, torch.Tensor]] = []
        self._steps = self._step = 0
        self._lengths: list[int] = []
        self._shares: torch.Tensor | None = None
        self._biases: dict[tuple, torch.Tensor] = {}
        transformer.forward = self._forward
        self._follow(transformer, {"context_refiner": "texts", "layers": "all"})

    def start(self, steps: int, _size: tuple[int, int], guided: bool) -> None:
        """Before each run: no control and no region, until it is told of them. Guidance is in the same call."""
        del guided
        self._controls, self._steps, self._step = [], steps, 0
        self._lengths, self._shares, self._biases = [], None, {}

    def control(
        self, controls: Sequence[tuple[Control, Image.Image]], pipeline: Any, net_of: Callable[[str], Any]
    ) -> None:
        """Controls of this run, with their pictures, by one ControlNet that knows them all."""
        net = net_of("union")
        if net is not self._net:
            self._net = type(net).from_transformer(net, self._transformer)
            self._follow(net, {"control_layers": "all"})
        self._controls = [(one, _latent(picture, net, pipeline)) for one, picture in controls]

    def regions(self, lengths: Sequence[int], shares: torch.Tensor) -> None:
        """Texts of this run.

        Args:
            lengths: tokens of each text, the picture's first.
            shares: texts×height×width of the latent; sums to 1 a pixel.
        """
        self._lengths, self._shares, self._biases = list(lengths), shares, {}

    def bias(self, kind: str, like: torch.Tensor) -> torch.Tensor | None:
        """What to add to the scores of a layer: 1×1×tokens×tokens; None without regions.

        Args:
            kind: "texts" (a layer that reads only them) or "all" (picture, then texts).
        """
        if self._shares is None:
            return None
        key = (kind, like.shape[1], like.dtype, like.device)
        if key not in self._biases:
            made = apart(self._padded) if kind == "texts" else joint(like.shape[1], self._padded, self._shares)
            self._biases[key] = made[None, None].to(like.device, like.dtype)
        return self._biases[key]

    @property
    def _padded(self) -> list[int]:
        return [length + -length % SEQ_MULTI_OF for length in self._lengths]

    def _forward(self, x: list[torch.Tensor], t: torch.Tensor, cap_feats: list[torch.Tensor], **more: Any) -> Any:
        step, self._step = self._step, self._step + 1
        samples: dict[int, torch.Tensor] | None = None
        for control, latent in self._controls:
            if is_active(control, step, self._steps):
                latents = latent.to(x[0].dtype).expand(len(x), *latent.shape[1:])
                added = self._net(x, t, cap_feats, latents, conditioning_scale=control.weight)
                samples = added if samples is None else {layer: samples[layer] + added[layer] for layer in samples}
        return self._stock(x, t, cap_feats, **more, controlnet_block_samples=samples)

    def _follow(self, model: Any, roles: dict[str, str]) -> None:
        """Let a model put texts side by side, and its layers ask for the bias."""
        stock = model.patchify_and_embed
        model.patchify_and_embed = lambda *given: self._side_by_side(model, stock, *given)
        for layers, kind in roles.items():
            for layer in getattr(model, layers):
                layer.attention.set_processor(_Processor(self, kind))

    def _side_by_side(self, model: Any, stock: Any, images: list, texts: list[torch.Tensor], *sizes: int) -> tuple:
        """Tokens and positions of picture and texts; the picture stands where it does behind the first text alone."""
        if self._shares is None:
            return stock(images, texts, *sizes)
        (all_of_them,) = texts
        pieces = list(all_of_them.split(self._lengths))
        picture, _, size, picture_at, _, picture_pad, _ = stock(images, pieces[:1], *sizes)
        tokens, places, pads = zip(*(_alone(model, piece) for piece in pieces), strict=True)
        return picture, [torch.cat(tokens)], size, picture_at, [torch.cat(places)], picture_pad, [torch.cat(pads)]


def apart(lengths: Sequence[int]) -> torch.Tensor:
    """Scores of texts among themselves: 0 within a text, -inf between two. tokens×tokens."""
    owner = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    return torch.where(owner[:, None] == owner[None, :], 0.0, -torch.inf)


def joint(tokens: int, lengths: Sequence[int], shares: torch.Tensor) -> torch.Tensor:
    """Scores of picture and texts, in this order: tokens×tokens, each row for one that looks.

    Args:
        tokens: all of them. Those of the picture come first, filled up at the end.
        lengths: tokens of each text.
        shares: texts×height×width of the latent, two by two of which make a token.
    """
    pixels = tokens - sum(lengths)
    listened = torch.nn.functional.avg_pool2d(shares[None], 2)[0].flatten(1).T.clamp(0, 1)
    filled = torch.zeros(pixels, len(lengths))
    filled[:, 0] = 1.0
    filled[: len(listened)] = listened
    scores = torch.zeros(tokens, tokens)
    scores[:pixels, pixels:] = filled.log().repeat_interleave(torch.tensor(lengths), dim=1)
    scores[pixels:, pixels:] = apart(lengths)
    return scores


class _Processor(ZSingleStreamAttnProcessor):
    """Stock attention with the regions' bias."""

    def __init__(self, steering: Steering, kind: str) -> None:
        super().__init__()
        self._steering = steering
        self._kind = kind

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, freqs_cis=None):
        bias = self._steering.bias(self._kind, hidden_states)
        mask = attention_mask if bias is None else bias
        return super().__call__(attn, hidden_states, encoder_hidden_states, mask, freqs_cis)


def _alone(model: Any, text: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One text as the model would see it alone: tokens, positions, which of them only fill up."""
    whole = len(text) + -len(text) % SEQ_MULTI_OF
    tokens, places, pads, _, _ = model._pad_with_ids(text, (whole, 1, 1), (1, 0, 0), text.device)
    return tokens, places[:whole], pads


def _latent(picture: Image.Image, net: Any, pipeline: Any) -> torch.Tensor:
    """A control picture as the ControlNet reads it: 1×channels×1×height×width."""
    vae = pipeline.vae
    ready = pipeline.image_processor.preprocess(picture).to(pipeline._execution_device, vae.dtype).contiguous()
    with torch.no_grad():
        latent = (vae.encode(ready).latent_dist.mode() - vae.config.shift_factor) * vae.config.scaling_factor
    missing = net.config.control_in_dim - latent.shape[1]
    return torch.nn.functional.pad(latent, (0, 0, 0, 0, 0, missing)).unsqueeze(2)
