"""What segmenters and detectors that are networks have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .segmenter import Candidates, Embedding, Prompt, alike


class Network:
    """One that lies on a device, and can make room there."""

    _network: Any
    _device: str

    def to_host(self) -> None:
        """See ``Segmenter``."""
        self._network.to("cpu")

    def to_device(self) -> None:
        """See ``Segmenter``."""
        self._network.to(self._device)


class InBatches(Network):
    """A segmenter that answers several prompts at once."""

    def masks(self, embedding: Embedding, prompts: Sequence[Prompt], several: bool) -> list[Candidates]:
        """See ``Segmenter``."""
        answers: dict[int, Candidates] = {}
        for batch in self._batches(prompts):
            found = self._batch(embedding, [prompts[index] for index in batch], several)
            answers.update(zip(batch, found, strict=True))
        return [answers[index] for index in range(len(prompts))]

    def _batches(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """Indices of prompts that go into one batch."""
        return alike(prompts)

    def _batch(self, embedding: Embedding, prompts: Sequence[Prompt], several: bool) -> list[Candidates]:
        raise NotImplementedError
