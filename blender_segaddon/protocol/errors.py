"""One tree of exceptions. Each says in one line what is wrong and in ``hint`` what the user can do about it."""

from __future__ import annotations


class SegAddonError(Exception):
    """Root of every error that a user may see.

    Args:
        message: what is wrong, one sentence without a full stop, naming the thing ("Camera 'Side' does not exist").
        hint: what to do about it, one sentence, imperative ("Choose one of: Camera, Top").
    """

    code = "error"
    """Stable machine-readable name; travels over the wire in problem+json and in failed jobs."""
    exit_code = 1
    """Exit status of a command-line program that ends with this error."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.message}. {self.hint}" if self.hint else self.message
        return " ".join(text.split())  # one line, also where a name in it has several


class InvalidInput(SegAddonError):
    """What the caller gave cannot be used: a wrong name, size, type or value."""

    code = "invalid_input"
    exit_code = 2


class SceneError(InvalidInput):
    """The scene cannot serve: no such file, no visible object, no camera."""

    code = "scene"


class MapsStale(InvalidInput):
    """There are maps, but they do not belong to this picture or to this state of the scene."""

    code = "maps_stale"


class StorageError(SegAddonError):
    """Files cannot be written: disk full, folder read-only."""

    code = "storage"
    exit_code = 2


class Cancelled(SegAddonError):
    """The user cancelled; nothing was changed."""

    code = "cancelled"


class InstallError(SegAddonError):
    """The server could not be installed on this machine; what is half made is never used."""

    code = "install"
    exit_code = 2


class CaptureError(SegAddonError):
    """Blender could not render the maps."""

    code = "capture"


class BridgeError(SegAddonError):
    """Root of what can go wrong between the add-on and the bridge server."""

    code = "bridge"


class BridgeUnavailable(BridgeError):
    """No server answers and none could be started, or the connection broke and a second try failed too."""

    code = "bridge_unavailable"
    exit_code = 2


class ProtocolMismatch(BridgeError):
    """Server and add-on speak different major versions of the protocol."""

    code = "protocol_mismatch"
    exit_code = 2


class JobFailed(BridgeError):
    """The server took the job and reported that it failed.

    Args:
        job_code: the server's own code for the failure ("worker_died", "invalid_input", …).
    """

    code = "job_failed"
    exit_code = 2

    def __init__(self, message: str, hint: str = "", job_code: str = "error") -> None:
        super().__init__(message, hint)
        self.job_code = job_code
