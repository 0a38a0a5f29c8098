"""The import guard: "Who may know whom" holds in every source file, and the guard sees each way to break it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .import_guard import ADDON, MAY_IMPORT, SERVER, complaints, part_of

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for package in (ADDON, SERVER)
    for path in sorted((ROOT / package).rglob("*.py"))
}


def test_every_source_keeps_the_rules() -> None:
    assert len(SOURCES) > 10
    assert [text for path, source in SOURCES.items() for text in complaints(path, source)] == []


def test_every_part_of_the_addon_has_a_rule() -> None:
    assert {part_of(path) for path in SOURCES if path.startswith(ADDON)} <= set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("blender_segaddon/protocol/wire.py", "from ..core import maps", "protocol must not import core"),
        ("blender_segaddon/core/maps.py", "from ..client import session", "core must not import client"),
        ("blender_segaddon/core/preview/sky.py", "from ...flows import generate", "core must not import flows"),
        ("blender_segaddon/client/session.py", "from .. import capture", "client must not import capture"),
        ("blender_segaddon/capture/cycles.py", "from ..texturing.colour import x", "capture must not import texturing"),
        ("blender_segaddon/texturing/bake.py", "from ..capture import x", "texturing must not import capture"),
        ("blender_segaddon/flows/next.py", "from .. import api", "flows must not import api"),
        ("blender_segaddon/flows/next.py", "from ..preferences import x", "flows must not import preferences"),
        ("blender_segaddon/api.py", "from .operators import x", "api must not import operators"),
        ("blender_segaddon/operators/x.py", "from .. import registration", "operators must not import registration"),
        ("blender_segaddon/core/x.py", "import bpy", "core must not import bpy"),
        ("blender_segaddon/core/x.py", "def f():\n    from mathutils import Vector", "core must not import mathutils"),
        ("blender_segaddon/client/x.py", "import importlib\nimportlib.import_module('bpy')", "must not import bpy"),
        ("blender_segaddon/__init__.py", "import bpy", "__init__ must not import bpy"),
        ("blender_segaddon/flows/x.py", "from blender_segaddon.core import maps", "absolutely"),
        ("blender_segaddon/flows/x.py", "import blender_segaddon", "absolutely"),
        ("blender_segaddon/flows/x.py", "import requests", "standard library and numpy only"),
        ("blender_segaddon/core/x.py", "import sys\nsys.path.insert(0, '.')", "changes sys.path"),
        ("blender_segaddon/core/x.py", "import sys\nsys.modules['a'] = None", "changes sys.modules"),
        ("blender_segaddon/core/x.py", "import sys\ndel sys.modules['a']", "changes sys.modules"),
        ("blender_segaddon/core/x.py", "import sys\nsys.path += ['.']", "changes sys.path"),
        ("blender_segaddon/core/x.py", "from sys import path", "sys.path or sys.modules by name"),
        ("bridge_server/app.py", "from blender_segaddon.client import x", "protocol and .core only"),
        ("bridge_server/app.py", "from blender_segaddon import flows", "protocol and .core only"),
        ("bridge_server/app.py", "import blender_segaddon", "protocol and .core only"),
        ("bridge_server/app.py", "def f():\n    import torch", "must not import torch"),
        ("bridge_server/jobs/queue.py", "from .. import generation", "must not import generation"),
        ("bridge_server/worker.py", "import torch", "must not import torch here"),
        ("bridge_server/worker.py", "from .segmentation import sam", "must not import segmentation here"),
        ("bridge_server/models/loading.py", "from diffusers import UNet2DModel", "must not import diffusers here"),
        ("bridge_server/models/loading.py", "class A:\n    import torch", "must not import torch here"),
        ("bridge_server/worker.py", "import bpy", "runs without Blender"),
    ],
)
def test_a_broken_rule_is_seen(path: str, source: str, complaint: str) -> None:
    found = complaints(path, source)
    assert len(found) == 1
    assert complaint in found[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "blender_segaddon/core/maps.py",
            "import numpy\nfrom .camera import Camera\nfrom ..protocol import errors",
        ),
        ("blender_segaddon/capture/x.py", "import bpy\nfrom ..core.maps import SceneMaps\nfrom . import engine"),
        (
            "blender_segaddon/flows/x.py",
            "import bpy\nfrom .. import capture, texturing, client",
        ),
        ("blender_segaddon/operators/x.py", "from .. import api\nfrom ..properties import y"),
        ("blender_segaddon/api.py", "import sys\nif 'bpy' in sys.modules:\n    print(sys.path[0])"),
        ("blender_segaddon/__init__.py", "def register():\n    from . import registration"),
        (
            "bridge_server/app.py",
            "import starlette\nfrom blender_segaddon.protocol import errors\nfrom . import jobs",
        ),
        ("bridge_server/worker.py", "def run():\n    import torch\n    from . import generation"),
        ("bridge_server/generation/seg.py", "import torch\nfrom ..models import loading"),
        ("bridge_server/models/loading.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"),
    ],
)
def test_what_the_rules_allow_passes(path: str, source: str) -> None:
    assert complaints(path, source) == []
