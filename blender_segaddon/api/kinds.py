"""What parameters of the interface may be."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from ..flows.masking import Mask

MaskLike = Mask | np.ndarray
Objects = Iterable[bpy.types.Object | str] | bpy.types.Object | str
"""Objects or their names; one alone needs no list."""
