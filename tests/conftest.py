"""What all tests share: which folders an environment can run, and the folder of real scenes."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest


def _has(package: str) -> bool:
    """Whether the package itself is installed; for bpy the stubs of the development environment do not count."""
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


# Each environment has one of them; scripts/test runs them all.
_NEEDS = {"blender": "bpy", "server": "starlette", "models": "torch"}
collect_ignore = [folder for folder, package in _NEEDS.items() if not _has(package)]


def pytest_report_header() -> str:
    return f"not of this environment: {', '.join(f'tests/{folder}' for folder in collect_ignore) or 'nothing'}"


@pytest.fixture(scope="session")
def scenes() -> Path:
    """Folder of real scenes (SEGADDON_SCENES); where it is not set, the test is skipped with that reason."""
    folder = os.environ.get("SEGADDON_SCENES", "")
    if not folder:
        pytest.skip("SEGADDON_SCENES names no folder of real scenes")
    return Path(folder)
