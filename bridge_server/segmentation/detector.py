"""Words → boxes: Grounding DINO (Liu et al. 2023) from folders as transformers has them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from .checkpoint import CheckpointDamaged
from .network import Network

logger = logging.getLogger(__name__)

_SHORTEST, _LONGEST = 800, 1333
"""Sides in pixels of what the network sees."""
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SURE = 0.3
"""A box with a lower score is none."""


class Detector(Network):
    """One folder, loaded. Raises CheckpointDamaged."""

    def __init__(self, path: Path, device: str) -> None:
        from transformers import AutoTokenizer, GroundingDinoForObjectDetection

        try:
            options: dict[str, Any] = {"local_files_only": True, "use_safetensors": True}
            self._network: Any = GroundingDinoForObjectDetection.from_pretrained(str(path), **options).eval().to(device)
            self._tokenizer: Any = AutoTokenizer.from_pretrained(str(path), local_files_only=True)
        except MemoryError:
            raise
        except Exception as error:  # what a damaged file raises depends on where in it the damage is
            logger.exception("%s does not load", path)
            text = f"{path.name} cannot be loaded as Grounding DINO: {type(error).__name__}"
            raise CheckpointDamaged(text, "Get that model's folder again, with its tokenizer") from error
        self._device = device

    def find(self, image: np.ndarray, text: str) -> list[tuple[np.ndarray, float]]:
        """Boxes (float64 x0, y0, x1, y1) of things that the words name, with their scores, best first.

        Args:
            image: uint8 H×W×3.
            text: one or several things, parted by commas or full stops.
        """
        import torch

        words = ". ".join(part.strip().lower() for part in text.replace(".", ",").split(",") if part.strip()) + "."
        tokens = self._tokenizer(words, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            said = self._network(pixel_values=self._pixels(image), **tokens)
        scores = said.logits.sigmoid()[0].max(-1).values.cpu().numpy()
        height, width = image.shape[:2]
        middles = said.pred_boxes[0].cpu().numpy().astype(float) * (width, height, width, height)
        boxes = np.concatenate([middles[:, :2] - middles[:, 2:] / 2, middles[:, :2] + middles[:, 2:] / 2], -1)
        boxes = np.clip(boxes, 0, (width, height, width, height))
        real = (scores >= _SURE) & (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
        return sorted(zip(boxes[real], scores[real].tolist(), strict=True), key=lambda one: -one[1])

    def _pixels(self, image: np.ndarray) -> Any:
        import torch
        from PIL import Image

        height, width = image.shape[:2]
        scale = min(_SHORTEST / min(height, width), _LONGEST / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        resized = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR), np.float32)
        pixels = (resized / 255 - np.array(_MEAN, np.float32)) / np.array(_DEVIATION, np.float32)
        return torch.as_tensor(pixels, device=self._device).permute(2, 0, 1)[None]
