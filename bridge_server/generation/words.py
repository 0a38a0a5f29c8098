"""Texts → what a model reads of them; each text is read once and remembered."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

_KEPT = 64
"""Texts; one takes 0.2 MB (SD 1.5) to 5 MB (Z-Image)."""


@dataclass(frozen=True, eq=False)
class Read:
    """One text as the model's encoders read it."""

    tokens: torch.Tensor
    """1×tokens×width; tokens×width for Z-Image"""
    pooled: torch.Tensor | None = None
    """1×width, the text as a whole: SDXL alone"""


class Words:
    """The text encoders of a pipeline."""

    def __init__(self, base: Any, device: str) -> None:
        self._base = base
        self._device = device
        self._kept: OrderedDict[Hashable, Read] = OrderedDict()

    def read(self, text: str, worn: Hashable = ()) -> Read:
        """One text. ``worn``: the LoRAs that act, since they may change the encoders."""
        key = (text, worn)
        found = self._kept.pop(key, None) or self._encode(text)
        self._kept[key] = found
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found

    def told(self, texts: Sequence[str], negative: str | None, worn: Hashable = ()) -> dict[str, Any]:
        """The options of a pipeline's call for texts side by side (the first one is the picture's).

        Args:
            negative: None for a run without guidance.
        """
        read = [self.read(text, worn) for text in texts]
        if read[0].tokens.ndim == 2:
            return {"prompt_embeds": [torch.cat([one.tokens for one in read])]}
        told: dict[str, Any] = {"prompt_embeds": torch.cat([one.tokens for one in read], dim=1)}
        if read[0].pooled is not None:
            told["pooled_prompt_embeds"] = read[0].pooled
        if negative is not None:
            against = self.read(negative, worn)
            told["negative_prompt_embeds"] = against.tokens.repeat(1, len(texts), 1)
            if against.pooled is not None:
                told["negative_pooled_prompt_embeds"] = against.pooled
        return told

    def _encode(self, text: str) -> Read:
        with torch.no_grad():
            found = self._base.encode_prompt([text], device=self._device, **self._more)
        if isinstance(found[0], list):
            return Read(found[0][0])
        return Read(found[0], found[2] if len(found) > 2 else None)

    @property
    def _more(self) -> dict[str, Any]:
        known = inspect.signature(self._base.encode_prompt).parameters
        wanted = {"num_images_per_prompt": 1, "do_classifier_free_guidance": False}
        return {name: value for name, value in wanted.items() if name in known}
