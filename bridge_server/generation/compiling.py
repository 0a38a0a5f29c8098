"""Compiled models: the blocks that a network repeats, each kind once, which takes a fraction of compiling the whole.

Stock diffusers knows the blocks of UNets and transformers (``compile_repeated_blocks``); a ControlNet declares none,
though it is made of a UNet's. What a block is compiled for is the size of the picture and the number of texts; regions
are rounded up (``regions.bucket``), so that few of these occur.
"""

from __future__ import annotations

import torch

_REPEATED = {
    "BasicTransformerBlock",  # UNets and their ControlNets
    "ZImageTransformerBlock",
    "ZImageControlTransformerBlock",
    "Flux2TransformerBlock",
    "Flux2SingleTransformerBlock",
}


def compile_blocks(net: torch.nn.Module) -> int:
    """Have a network's repeated blocks compiled when they are first used; how many there are.

    Where there is no compiler the blocks stay as they are, which torch then says in the log.
    """
    torch._dynamo.config.suppress_errors = True
    blocks = [one for one in net.modules() if type(one).__name__ in _REPEATED]
    for block in blocks:
        block.compile()
    return len(blocks)


class Compiled:
    """What was compiled already, so that a wait can be told before it begins."""

    MESSAGE = "Compiling for this size, minutes the first time"

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted
        self._seen: set[tuple] = set()

    def is_new(self, *shape: object) -> bool:
        """Whether a run of this shape has to be compiled; it is known from then on."""
        new = self.wanted and shape not in self._seen
        self._seen.add(shape)
        return new
