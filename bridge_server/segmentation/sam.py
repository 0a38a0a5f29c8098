"""Segment Anything (Kirillov et al. 2023) from its .pth checkpoints; the same masks as its own ``SamPredictor``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import checkpoint
from .network import InBatches
from .segmenter import Candidates, Embedding, Prompt
from .tensors import candidates, features_of, on_processor


class Sam(InBatches):
    """One checkpoint, loaded.

    Args:
        path: .pth file.
        device: "cpu", "cuda" or "mps".

    Raises:
        CheckpointDamaged: as ``checkpoint.load``.
    """

    grid = 32

    def __init__(self, path: Path, device: str) -> None:
        self._network = checkpoint.load(path, device)
        self._device = device
        self.native: int = self._network.image_encoder.img_size

    def encode(self, image: np.ndarray) -> Embedding:
        """See ``Segmenter``. The longest side becomes ``native``, the rest is filled up with nothing."""
        import torch
        from PIL import Image

        height, width = self._input_size(image.shape[:2])
        small = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
        pixels = torch.as_tensor(small.copy(), device=self._device).permute(2, 0, 1).contiguous()[None]
        with torch.inference_mode():
            features = self._network.image_encoder(self._network.preprocess(pixels))
        return on_processor(image.shape[:2], [features])

    def _batch(self, embedding: Embedding, prompts: Sequence[Prompt], several: bool) -> list[Candidates]:
        import torch

        network = self._network
        with torch.inference_mode():
            sparse, dense = network.prompt_encoder(
                points=self._points(prompts, embedding),
                boxes=self._boxes(prompts, embedding),
                masks=self._hints(prompts),
            )
            logits, scores = network.mask_decoder(
                image_embeddings=features_of(embedding, self._device)[0],
                image_pe=network.prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=several,
            )
            # One after the other: at full size the masks of a batch would take gigabytes.
            return [
                candidates(network.postprocess_masks(one, self._input_size(embedding.size), embedding.size), one, score)
                for one, score in zip(logits.split(1), scores, strict=True)
            ]

    def _points(self, prompts: Sequence[Prompt], embedding: Embedding) -> Any:
        import torch

        if not len(prompts[0].points):
            return None
        places = np.stack([self._scaled(one.points, embedding) for one in prompts])
        labels = np.stack([one.labels for one in prompts])
        return (
            torch.as_tensor(places, dtype=torch.float, device=self._device),
            torch.as_tensor(labels, dtype=torch.int, device=self._device),
        )

    def _boxes(self, prompts: Sequence[Prompt], embedding: Embedding) -> Any:
        import torch

        boxes = [self._scaled(one.box.reshape(2, 2), embedding).reshape(4) for one in prompts if one.box is not None]
        return torch.as_tensor(np.stack(boxes), dtype=torch.float, device=self._device) if boxes else None

    def _hints(self, prompts: Sequence[Prompt]) -> Any:
        import torch

        hints = [one.logits for one in prompts if one.logits is not None]
        return torch.as_tensor(np.stack(hints)[:, None], dtype=torch.float, device=self._device) if hints else None

    def _scaled(self, places: np.ndarray, embedding: Embedding) -> np.ndarray:
        """float64 N×2: pixels of the picture → of what the network sees."""
        height, width = self._input_size(embedding.size)
        return places.astype(float) * (width / embedding.size[1], height / embedding.size[0])

    def _input_size(self, size: tuple[int, ...]) -> tuple[int, int]:
        scale = self.native * 1.0 / max(size[0], size[1])
        return int(size[0] * scale + 0.5), int(size[1] * scale + 0.5)
