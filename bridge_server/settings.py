"""What a server is told at its start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where the server listens, and its limits."""

    state_dir: Path
    """folder for discovery file, token, lock and socket; one server each"""
    socket: Path | None = None
    """Unix socket to listen on; None chooses one in ``state_dir``"""
    tcp_port: int | None = None
    """listen on this port of 127.0.0.1 instead of a Unix socket; 0 chooses a free one"""
    idle_seconds: float = 600.0
    """end after this long without a request and without a job"""
    exit_with_stdin: bool = False
    """end at once when standard input closes"""
    test_generator: bool = False
    """offer ``generation.rehearsal``"""
    max_body_bytes: int = 1 << 31
    max_queued: int = 32
    """jobs that may wait"""
    max_queued_bytes: int = 4 << 30
    """their bodies together"""
    max_results: int = 64
    """finished jobs that are remembered"""
    max_result_bytes: int = 512 << 20
    """their results together; the newest is kept whatever its size"""
    cancel_grace: float = 5.0
    """seconds that a worker has to stop at the next step before it is killed"""
    drain_grace: float = 3.0
    """the same when the server is told to end"""
    heartbeat: float = 10.0
    """seconds between the heartbeats of an event stream"""
    read_timeout: float = 30.0
    """seconds that a request's body may pause"""
