"""What a server is told at its start. ``configuration`` reads it from file, environment and flags."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from blender_segaddon.protocol.errors import InvalidInput

from . import folders
from .generators import Offer
from .models.catalogue import LicenceKind

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Settings:
    """Where the server listens, and its limits. Sizes are bytes, times seconds. The text below a field is its help."""

    state_dir: Path
    """folder for discovery file, token, lock and socket; one server each"""
    socket: Path | None = None
    """Unix socket to listen on, in a folder of its own; not set: one in the state folder"""
    listen: str = ""
    """listen on TCP, HOST:PORT (port 0: any free one), instead of a Unix socket; other machines only with TLS"""
    host_names: tuple[str, ...] = ()
    """names by which clients call a server that listens for other machines, besides the host in listen"""
    tls_cert: Path | None = None
    """certificate (PEM, with its chain) for listen"""
    tls_key: Path | None = None
    """its private key (PEM, without a password)"""
    token_file: Path | None = None
    """file with the bearer token, readable by this user alone; not set: a new token at each start"""
    idle_seconds: float = 600.0
    """end after this long without a request and without a job"""
    exit_with_stdin: bool = False
    """end at once when standard input closes"""
    drain_seconds: float = 25.0
    """when told to end, the running job may go on for this long; then it is kept for the next server"""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """least important messages that are logged"""
    log_format: Literal["text", "json"] = "text"
    """lines for people, or one JSON object a line"""
    log_file: Path | None = None
    """log into this file instead of standard error; one over 5 MiB is put aside as .1 at the start"""
    models_dirs: tuple[Path, ...] = ()
    """folders with models, only read: shared ones, ComfyUI's, A1111's"""
    models_dir: Path | None = None
    """folder that models are downloaded into; not set: models in the user's folder for data"""
    licences: tuple[LicenceKind, ...] = ()
    """kinds of licence that a model may have, the others are refused; not set: all"""
    proxy: str = ""
    """HTTPS proxy for model downloads; nothing else ever leaves the machine"""
    model_mirror: str = ""
    """address of a mirror to download models from"""
    test_generator: bool = False
    """offer ``generation.rehearsal``"""
    max_body_bytes: int = 1 << 31
    """body of one request"""
    max_queued: int = 32
    """jobs that may wait"""
    max_queued_bytes: int = 4 << 30
    """their bodies together"""
    data_dir: Path | None = None
    """folder for jobs, bodies and results; not set: jobs in the state folder"""
    result_seconds: float = 24 * 3600.0
    """finished jobs are remembered for this long"""
    max_results: int = 20_000
    """finished jobs that are remembered"""
    max_result_bytes: int = 2 << 30
    """their results together; the newest is kept whatever its size"""
    max_blob_bytes: int = 2 << 30
    """buffers kept by their SHA-256, so that clients need not send them again"""
    devices: tuple[str, ...] = ()
    """one worker process each: "cpu", or a GPU as "cuda:0"; empty: every GPU there is, else the CPU"""
    model_idle_seconds: float = 300.0
    """models that no job has used for this long are unloaded"""
    worker_idle_seconds: float = 900.0
    """a worker that has had no job for this long is ended"""
    compile_models: bool = False
    """compile what models are made of: minutes at the first picture of each size, less time for all further ones"""
    memory_budget_bytes: int = 0
    """what loaded models may take of a device's memory; 0: what is free"""
    cancel_grace: float = 5.0
    """time that a worker has to stop at the next step before it is killed"""
    load_grace: float = 60.0
    """the same while it loads or compiles"""
    drain_grace: float = 3.0
    """the same when the server is told to end"""
    heartbeat: float = 10.0
    """time between the heartbeats of an event stream"""
    max_connections: int = 512
    """connections at once; more are answered 503"""
    header_timeout: float = 10.0
    """time for the head of a request, and after which an unused connection is closed"""
    read_timeout: float = 30.0
    """time that a request's body may pause"""
    min_body_rate: int = 128 << 10
    """bytes a second that a body must reach on the whole, beyond its first read_timeout"""
    write_timeout: float = 60.0
    """time that a client may leave a piece of a reply unread"""

    @property
    def offer(self) -> Offer:
        """The generators."""
        return Offer(self.test_generator, self.model_folders, self.licences, self.compile_models)

    @property
    def download_folder(self) -> Path:
        """Where models are downloaded into."""
        return self.models_dir or folders.models()

    @property
    def model_folders(self) -> tuple[Path, ...]:
        """Where models and descriptions of them are looked for; of two descriptions of one model the last counts."""
        return (self.download_folder, *self.models_dirs, folders.configuration())

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of ``listen``. Raises InvalidInput."""
        host, colon, port = self.listen.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise InvalidInput(f"listen: {self.listen!r:.80} is no HOST:PORT", "Write it as 127.0.0.1:0 or [::1]:8443")
        return host, int(port)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach ``listen``."""
        return is_loopback(self.address[0])


def is_loopback(host: str) -> bool:
    """True for localhost and the loopback addresses of IPv4 and IPv6."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check(settings: Settings) -> None:
    """Raise InvalidInput for settings that cannot stand together."""
    if settings.listen and settings.socket:
        raise InvalidInput("Both socket and listen are set", "Choose one")
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise InvalidInput("TLS needs a certificate and its key", "Set tls_cert and tls_key")
    if settings.listen:
        _check_listen(settings)
    elif settings.tls_cert:
        raise InvalidInput("TLS is for TCP", "Set listen as well")


def _check_listen(settings: Settings) -> None:
    host, _ = settings.address
    if not settings.is_loopback and not settings.tls_cert:
        raise InvalidInput(
            f"Other machines could read what goes to {host} without TLS",
            "Set tls_cert and tls_key, or listen on 127.0.0.1",
        )
    if host in ("0.0.0.0", "::") and not settings.host_names:
        raise InvalidInput(
            f"Listening on all addresses ({host}) needs the names that clients use",
            "Set host_names, for example to render01.studio.example",
        )
