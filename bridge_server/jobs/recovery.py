"""What an earlier server left: jobs that go on, and jobs that end here."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator

from . import records
from .files import Files
from .job import Job, Journal
from .records import Record
from .spool import StoredFile

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 2
"""How often a job is begun: a second time when its worker or its server died under it."""


def recover(db: sqlite3.Connection, files: Files, journal: Journal) -> Iterator[Job]:
    """The jobs that have not ended, in their order, each with a new event that says how it goes on or that it ends."""
    left = records.unfinished(db)
    files.sweep({record.id for record in left}, records.kept_results(db))
    for record in left:
        body = StoredFile(files.body(record.id), record.body_size, record.body_sha256)
        job = Job(record, body, records.events(db, record.id), journal)
        _go_on(job, record)
        logger.info("job %s of an earlier server: %s", job.id, job.state)
        yield job


def _go_on(job: Job, record: Record) -> None:
    if record.stopping:
        job.report("cancelled")
    elif record.deadline and record.deadline <= time.time():
        job.report("expired", code="deadline", message="The job's deadline has passed", hint="Send it again")
    elif not _is_whole(job.body):
        job.report("failed", code="body_lost", message="The job's body is not on disk any more", hint="Send it again")
    elif job.state == "queued":
        return
    elif job.attempt >= MAX_ATTEMPTS:
        hint = "Use a smaller size; the server's log says more"
        job.report("failed", code="interrupted", message="The server died twice while this job ran", hint=hint)
    else:
        job.report("queued", message="The server was started again; trying once more")


def _is_whole(body: StoredFile) -> bool:
    try:
        return body.path.stat().st_size == body.size
    except OSError:
        return False
