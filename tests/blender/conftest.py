"""What all tests in Blender share."""

from __future__ import annotations

import os
import sys

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


_exit_status = pytest.StashKey[int]()


def pytest_sessionfinish(session, exitstatus):
    session.config.stash[_exit_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """Leave without the interpreter's own end: the bpy wheels now and then crash or hang in it, after all is done."""
    if _exit_status in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_exit_status])
