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
    data_dir: Path | None = None
    """folder for jobs, bodies and results; None: ``jobs`` in ``state_dir``"""
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
    memory_budget_bytes: int = 0
    """what loaded models may take of a device's memory; 0: what is free"""
    cancel_grace: float = 5.0
    """seconds that a worker has to stop at the next step before it is killed"""
    load_grace: float = 60.0
    """the same while it loads or compiles"""
    drain_grace: float = 3.0
    """the same when the server is told to end"""
    heartbeat: float = 10.0
    """seconds between the heartbeats of an event stream"""
    read_timeout: float = 30.0
    """seconds that a request's body may pause"""
