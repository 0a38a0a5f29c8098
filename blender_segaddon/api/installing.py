"""The bridge server on this machine: installed beside Blender, brought up to date, taken away; and its models."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, overload

import bpy

from ..client import default_server_command
from ..client.installing import (
    Accelerator,
    Installation,
    Payload,
    Step,
    Task,
    Wanted,
    default_folder,
)
from ..flows import generating
from ..protocol.errors import BridgeError, InstallError, InvalidInput
from .server import connection

_PAYLOAD = Payload(Path(__file__).resolve().parents[1] / "server")
_MODEL_LOG = "models.log"
_OFFLINE = "Switch on Edit > Preferences > System > Network > Allow Online Access; afterwards it may go off again"


def installation(folder: str | Path | None = None) -> Installation:
    """Where the server is or would be installed; the usual folder when None."""
    return Installation(Path(folder) if folder else default_folder())


def installation_state(folder: str | Path | None = None) -> Literal["none", "ready", "outdated", "broken"]:
    """ "outdated": it works, but this add-on carries another version. "broken": cut off, or its Python is gone."""
    return installation(folder).state(_PAYLOAD)


@overload
def install_server(
    *,
    models: bool = True,
    accelerator: Accelerator | None = None,
    index: str | None = None,
    folder: str | Path | None = None,
    anew: bool = False,
    wait: Literal[True] = True,
) -> None: ...
@overload
def install_server(
    *,
    models: bool = True,
    accelerator: Accelerator | None = None,
    index: str | None = None,
    folder: str | Path | None = None,
    anew: bool = False,
    wait: Literal[False],
) -> Task: ...
def install_server(
    *,
    models: bool = True,
    accelerator: Accelerator | None = None,
    index: str | None = None,
    folder: str | Path | None = None,
    anew: bool = False,
    wait: bool = True,
) -> Task | None:
    """Install the bridge server that the add-on carries into an environment of its own, or bring it up to date.

    Blender's own Python stays as it is. Packages come from where pip is set to look (mirror, proxy, certificate).

    Args:
        models: with torch and what else models run on; without, there are previews, fills and masks by clicks.
        accelerator: which build of torch: "cuda", "rocm", "mps" or "cpu"; detected when None.
        index: address of the package index with torch; "" as pip is configured; None: the makers' own.
        folder: where; the usual place when None.
        anew: make it anew, also where it is whole: to repair it.
        wait: False returns a ``Task`` at once: progress, message, seconds_left, cancel(), result().

    Raises:
        InstallError: as the text says; what is half made is made anew the next time. Cancelled.
    """
    check_online()
    there, wanted = installation(folder), Wanted(models, accelerator, index)
    task = there.install(_PAYLOAD, wanted, sys.executable, anew, lambda: _end_server_of(there))
    if not wait:
        return task
    task.result()
    return None


@overload
def remove_server(folder: str | Path | None = None, *, wait: Literal[True] = True) -> None: ...
@overload
def remove_server(folder: str | Path | None = None, *, wait: Literal[False]) -> Task: ...
def remove_server(folder: str | Path | None = None, *, wait: bool = True) -> Task | None:
    """Delete the server that ``install_server`` made; models stay.

    Args:
        folder: where it is; the usual place when None.
        wait: False returns a ``Task`` at once: gigabytes of small files take a while.

    Raises:
        InstallError: something cannot be deleted, or the server works on a picture.
    """
    there = installation(folder)

    def remove() -> Sequence[Step]:
        _end_server_of(there)
        there.remove()
        return ()

    task = Task("The removal of the server", remove, there.log)
    if not wait:
        return task
    task.result()
    return None


def _end_server_of(there: Installation) -> None:
    """A server that runs from the environment holds its files, where the system does so (Windows), and old code.

    Raises InstallError where it has not ended yet.
    """
    known = connection()
    found = generating.sender(known)
    if found is not None and not known.address and (known.server_command or [""])[0] == str(there.python):
        ended = True
        with contextlib.suppress(BridgeError):
            ended = found.bridge.shut_down()
        if not ended:
            raise InstallError("The server still works on a picture", "Wait for it or cancel it, then try again")


def pull_model(name: str, size: float = 0.0) -> Task:
    """Download a model onto this machine, in the background; a download that was cut off goes on where it was.

    Args:
        name: id, as ``models()`` has it.
        size: bytes to get, for the progress.

    Raises:
        InvalidInput: the server is another machine's, or there is none.
    """
    check_online()
    here = connection()
    command = here.server_command or default_server_command()
    if here.address or command is None:
        text = "Models are downloaded on the machine that the server runs on"
        raise InvalidInput(text, f"Run there: segaddon-bridge models pull {name}")
    step = Step(f"Getting {name}", (*command, "models", "pull", name), total=size or 1.0)
    return Task(f"The download of {name}", lambda: [step], default_folder() / _MODEL_LOG)


def check_online() -> None:
    """Raises InstallError where Blender may not use the network."""
    if not bpy.app.online_access:
        raise InstallError("Blender may not use the network", _OFFLINE)


def carries_server() -> bool:
    """Whether this copy of the add-on has the server in it: one from a zip has."""
    return _PAYLOAD.folder.is_dir()
