"""What all tests in Blender share."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_server_folder(tmp_path_factory):
    """Servers that tests start are theirs alone; one that the user has running is neither used nor disturbed."""
    before = os.environ.get("SEGADDON_STATE_DIR")
    folder = tmp_path_factory.mktemp("server")
    folder.chmod(0o700)
    os.environ["SEGADDON_STATE_DIR"] = str(folder)
    yield
    if before is None:
        del os.environ["SEGADDON_STATE_DIR"]
    else:
        os.environ["SEGADDON_STATE_DIR"] = before
