"""Pictures that close: convolutions that see the left border beyond the right one.

All of UNet, ControlNets and autoencoder have to do so, the encoder's downsampling too, which pads by itself
(with zeros the seam errs by 17–19 %). Only x is a circle: poles are borders.
"""

from __future__ import annotations

import math
from types import MethodType
from typing import Any

import torch
from diffusers.models.downsampling import Downsample2D
from torch.nn import functional

from blender_segaddon.core.camera import Camera


class Circle:
    """Switch of all modules that were prepared with it."""

    def __init__(self) -> None:
        self.closed = False

    def prepare(self, model: torch.nn.Module) -> None:
        """Let the convolutions of a model ask this switch. While it is off they are the stock ones."""
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d) and module.padding_mode == "zeros" and _pads(module):
                stock = module._conv_forward
                module._conv_forward = MethodType(self._conv(stock), module)  # pyright: ignore[reportAttributeAccessIssue]
            elif isinstance(module, Downsample2D) and module.use_conv and module.padding == 0:
                module.forward = MethodType(self._down(module.forward), module)

    def _conv(self, stock: Any) -> Any:
        def forward(conv: torch.nn.Conv2d, x: torch.Tensor, weight: torch.Tensor, bias: Any) -> torch.Tensor:
            if not self.closed:
                return stock(x, weight, bias)
            rows, columns = conv.padding  # pyright: ignore[reportAssignmentType]
            x = functional.pad(x, (columns, columns, 0, 0), mode="circular")
            return functional.conv2d(x, weight, bias, conv.stride, (rows, 0), conv.dilation, conv.groups)

        return forward

    def _down(self, stock: Any) -> Any:
        def forward(module: Any, x: torch.Tensor, *args: Any, **more: Any) -> torch.Tensor:
            if not self.closed:
                return stock(x, *args, **more)
            return module.conv(functional.pad(functional.pad(x, (0, 1, 0, 0), mode="circular"), (0, 0, 0, 1)))

        return forward


def closes(camera: Camera | None) -> bool:
    """Whether the camera sees all the way round, so that left and right border of its picture meet."""
    if camera is None or camera.type != "PANO":
        return False
    _, _, low, high = camera.pano_range
    return math.isclose(high - low, 2 * math.pi, rel_tol=1e-4)


def _pads(conv: torch.nn.Conv2d) -> bool:
    return isinstance(conv.padding, tuple) and any(conv.padding)
