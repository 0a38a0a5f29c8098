"""The rows of jobs and events: every SQL statement of the job store, to be run by ``Database``."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from blender_segaddon.protocol.codec import dump, from_json, load, to_json
from blender_segaddon.protocol.messages import Event, Priority


@dataclass(frozen=True)
class Record:
    """One job as it is kept."""

    id: str
    key: str
    """the client's Idempotency-Key, "" for none"""
    generator: str
    priority: Priority
    created: float
    """Unix time"""
    deadline: float
    """Unix time, 0 for none"""
    body_size: int
    body_sha256: str
    attempt: int = 0
    """how often it was begun"""
    stopping: bool = False
    """its cancellation was asked for"""
    ended: float | None = None
    """Unix time"""
    result_size: int = 0
    result_sha256: str = ""
    """"" without a result"""


_COLUMNS = (
    "id, key, generator, priority, created, deadline, body_size, body_sha256, "
    "attempt, stopping, ended, result_size, result_sha256"
)


def insert(db: sqlite3.Connection, record: Record, event: Event) -> Record:
    """Add a job with its first event, or find the one that came before with its key: that one's record."""
    if record.key and (known := _one(db, "key = ?", record.key)):
        return known
    values = (record.id, record.key or None, record.generator, record.priority, record.created, record.deadline)
    db.execute(
        "INSERT INTO jobs (id, key, generator, priority, created, deadline, body_size, body_sha256) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, record.body_size, record.body_sha256),
    )
    append(db, record.id, event)
    return record


def append(db: sqlite3.Connection, job: str, event: Event) -> None:
    """Add an event to a job."""
    db.execute("INSERT INTO events VALUES (?, ?, ?)", (job, event.number, dump(to_json(event)).decode()))


def begin(db: sqlite3.Connection, job: str, attempt: int) -> None:
    """Note which attempt is under way."""
    db.execute("UPDATE jobs SET attempt = ? WHERE id = ?", (attempt, job))


def stop(db: sqlite3.Connection, job: str) -> None:
    """Note that a job is to be cancelled."""
    db.execute("UPDATE jobs SET stopping = 1 WHERE id = ?", (job,))


def end(db: sqlite3.Connection, job: str, ended: float, size: int, sha256: str) -> None:
    """Note a job's end; size and SHA-256 of its result, 0 and "" without one."""
    update = "UPDATE jobs SET ended = ?, result_size = ?, result_sha256 = ? WHERE id = ?"
    db.execute(update, (ended, size, sha256, job))


def find(db: sqlite3.Connection, *, id: str = "", key: str = "") -> Record | None:
    """The job of this id, or of this key."""
    return _one(db, "id = ?", id) if id else _one(db, "key = ?", key)


def events(db: sqlite3.Connection, job: str) -> list[Event]:
    """All events of a job in order."""
    rows = db.execute("SELECT event FROM events WHERE job = ? ORDER BY number", (job,))
    return [from_json(Event, load(text.encode())) for (text,) in rows]


def last_event(db: sqlite3.Connection, job: str) -> Event:
    """The latest event of a job."""
    query = "SELECT event FROM events WHERE job = ? ORDER BY number DESC LIMIT 1"
    return from_json(Event, load(db.execute(query, (job,)).fetchone()[0].encode()))


def unfinished(db: sqlite3.Connection) -> list[Record]:
    """Jobs that have not ended, in the order in which they came."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM jobs WHERE ended IS NULL ORDER BY seq")
    return [_record(row) for row in rows]


def newest(db: sqlite3.Connection, limit: int) -> list[Record]:
    """The jobs that came last, the last one first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM jobs ORDER BY seq DESC LIMIT ?", (limit,))
    return [_record(row) for row in rows]


def kept_results(db: sqlite3.Connection) -> set[str]:
    """Ids of the jobs that have a result."""
    return {id for (id,) in db.execute("SELECT id FROM jobs WHERE result_sha256 <> ''")}


def totals(db: sqlite3.Connection) -> tuple[int, int]:
    """(finished jobs, bytes of their results)."""
    query = "SELECT count(*), coalesce(sum(result_size), 0) FROM jobs WHERE ended IS NOT NULL"
    return db.execute(query).fetchone()


@dataclass(frozen=True)
class Limits:
    """How many finished jobs are kept."""

    before: float
    """those that ended before this Unix time go"""
    count: int
    size: int
    """bytes of all results; the newest is kept whatever its size"""


def forget(db: sqlite3.Connection, limits: Limits, spared: Collection[str]) -> list[tuple[str, int]]:
    """Remove the finished jobs beyond the limits, the oldest first, but not the spared: their (id, size of result)."""
    count, size = totals(db)
    gone: list[tuple[str, int]] = []
    rows = db.execute("SELECT id, ended, result_size FROM jobs WHERE ended IS NOT NULL ORDER BY ended, seq")
    for id, ended, held in rows:
        if ended >= limits.before and (count <= 1 or (count <= limits.count and size <= limits.size)):
            break
        if id not in spared:
            gone.append((id, held))
            count, size = count - 1, size - held
    db.executemany("DELETE FROM events WHERE job = ?", [(id,) for id, _ in gone])
    db.executemany("DELETE FROM jobs WHERE id = ?", [(id,) for id, _ in gone])
    return gone


def _one(db: sqlite3.Connection, where: str, value: str) -> Record | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM jobs WHERE {where}", (value,)).fetchone()
    return _record(row) if row else None


def _record(row: tuple[Any, ...]) -> Record:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return Record(**{**values, "key": values["key"] or "", "stopping": bool(values["stopping"])})
