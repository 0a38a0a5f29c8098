"""SAM 2 and 2.1 (Ravi et al. 2024) from folders as transformers has them; the same masks as its ``Sam2Model``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .checkpoint import CheckpointDamaged
from .network import InBatches
from .segmenter import Candidates, Embedding, Prompt, alike
from .tensors import candidates, features_of, on_processor

logger = logging.getLogger(__name__)

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pictures that the networks were trained on, 0 .. 1."""


class Sam2(InBatches):
    """One folder of config.json and model.safetensors, loaded.

    Args:
        path: the folder.
        device: "cpu", "cuda" or "mps".

    Raises:
        CheckpointDamaged: it cannot be read, or its weights are a pickle.
    """

    grid = 32

    def __init__(self, path: Path, device: str) -> None:
        import torch
        from transformers import Sam2Model

        try:
            options = {"local_files_only": True, "use_safetensors": True, "dtype": torch.float32}
            self._network: Any = Sam2Model.from_pretrained(str(path), **options).eval().to(device)
        except MemoryError:
            raise
        except Exception as error:  # what a damaged file raises depends on where in it the damage is
            logger.exception("%s does not load", path)
            text = f"{path.name} cannot be loaded as SAM 2: {type(error).__name__}"
            raise CheckpointDamaged(text, "Get config.json and model.safetensors of that model again") from error
        self._device = device
        self.native = int(self._network.config.prompt_encoder_config.image_size)

    def encode(self, image: np.ndarray) -> Embedding:
        """See ``Segmenter``. Both sides become ``native``."""
        import torch
        from PIL import Image

        square = Image.fromarray(image).resize((self.native, self.native), Image.Resampling.BILINEAR)
        pixels = (np.asarray(square, np.float32) / 255 - np.array(_MEAN, np.float32)) / np.array(_DEVIATION, np.float32)
        with torch.inference_mode():
            tensor = torch.as_tensor(pixels, device=self._device).permute(2, 0, 1)[None]
            features = self._network.get_image_embeddings(tensor)
        return on_processor(image.shape[:2], features)

    def _batches(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """The network takes one picture of logits for a whole batch."""
        batches: list[list[int]] = []
        for group in alike(prompts):
            batches += [group] if prompts[group[0]].logits is None else [[index] for index in group]
        return batches

    def _batch(self, embedding: Embedding, prompts: Sequence[Prompt], several: bool) -> list[Candidates]:
        import torch

        with torch.inference_mode():
            said = self._network(
                image_embeddings=features_of(embedding, self._device),
                multimask_output=several,
                **self._inputs(prompts, embedding),
            )
            # One after the other: at full size the masks of a batch would take gigabytes.
            return [
                candidates(torch.nn.functional.interpolate(one, embedding.size, mode="bilinear"), one, score)
                for one, score in zip(said.pred_masks[0].split(1), said.iou_scores[0], strict=True)
            ]

    def _inputs(self, prompts: Sequence[Prompt], embedding: Embedding) -> dict[str, Any]:
        import torch

        scale = (self.native / embedding.size[1], self.native / embedding.size[0])
        inputs: dict[str, Any] = {}
        if len(prompts[0].points):
            inputs["input_points"] = np.stack([one.points * scale for one in prompts])
            inputs["input_labels"] = np.stack([one.labels for one in prompts]).astype(np.int32)
        boxes = [one.box * (*scale, *scale) for one in prompts if one.box is not None]
        if boxes:
            inputs["input_boxes"] = np.stack(boxes)
        if prompts[0].logits is not None:
            inputs["input_masks"] = prompts[0].logits[None]
        tensors = {name: torch.as_tensor(value, device=self._device)[None] for name, value in inputs.items()}
        return {name: one if name == "input_labels" else one.float() for name, one in tensors.items()}
