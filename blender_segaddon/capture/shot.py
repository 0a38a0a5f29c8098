"""What an engine is asked for and what it gives; everything else about maps is the same for all engines.

An engine is a function ``shoot(view: View) -> Shot``. It leaves the user's scene as it was, raises ``Cancelled`` soon
after ``view.cancelled`` says so, and ``MissingInternals`` where this Blender does not have what it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy
import numpy as np

from ..core.camera import Camera
from ..core.maps import Inexact
from ..protocol.errors import Cancelled, CaptureError
from .instances import Row


class MissingInternals(CaptureError):
    """This Blender lacks something that an engine needs; another engine may work."""


@dataclass(frozen=True)
class View:
    """One look at a scene. Checked: the camera is one, the layer is the scene's, the size can be rendered."""

    scene: bpy.types.Scene
    view_layer: str
    camera: bpy.types.Object
    size: tuple[int, int]
    """(width, height) in pixels"""
    cancelled: Callable[[], bool] | None = None
    """May be asked from any thread."""

    def check_cancelled(self) -> None:
        """Raises Cancelled if the user wants no more."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled("The capture was cancelled")


@dataclass(frozen=True, eq=False)
class Shot:
    """What was seen. Arrays are H×W with row 0 at the top."""

    rows: list[Row]
    """all instances that could have been seen, in the order of ``Row.order``"""
    shown: np.ndarray
    """int32 H×W, index in ``rows``, -1 for background"""
    depth: np.ndarray
    """float32 H×W, scene units along the camera's axis (panoramic: along the ray), inf for background"""
    normal: np.ndarray
    """float32 H×W×3, unit, camera space: x right, y up, z towards the camera; 0 for background"""
    camera: Camera
    engine: str
    """which engine it was, for ``SceneMaps.engine``"""
    notes: tuple[str, ...] = ()
    """one sentence each for what is not exact in this shot"""
    inexact: tuple[Inexact, ...] = ()
    """the same, of single objects and materials"""
    material: np.ndarray | None = None
    """uint16 H×W, index in ``materials``, 0 for none and for background; None where the engine cannot tell"""
    materials: tuple[bpy.types.Material | None, ...] = ()
    """the user's own; the first is None"""
    face: np.ndarray | None = None
    """uint16 H×W, value of the attribute of ``faces``, 0 for none; None where the engine cannot tell"""
