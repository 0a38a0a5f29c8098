"""The SQLite file on a thread of its own: the event loop never waits for it."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from blender_segaddon.protocol.errors import StorageError

logger = logging.getLogger(__name__)

T = TypeVar("T")

MIGRATIONS = (
    """
    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        key TEXT UNIQUE,
        generator TEXT NOT NULL,
        priority TEXT NOT NULL,
        created REAL NOT NULL,
        deadline REAL NOT NULL,
        body_size INTEGER NOT NULL,
        body_sha256 TEXT NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        stopping INTEGER NOT NULL DEFAULT 0,
        ended REAL,
        result_size INTEGER NOT NULL DEFAULT 0,
        result_sha256 TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX jobs_ended ON jobs (ended);
    CREATE TABLE events (
        job TEXT NOT NULL, number INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (job, number)
    ) WITHOUT ROWID;
    """,
)
"""What brings a database from version N (``PRAGMA user_version``) to N + 1. Append only."""

_BUSY_SECONDS = 3.0
"""How long another program's lock is waited for."""


def open_database(path: Path) -> sqlite3.Connection:
    """Open or make the database, brought to this version. One that is damaged or newer is moved aside, which is logged.

    Raises StorageError when the disk refuses or another program holds the file.
    """
    try:
        return _opened(path)
    except sqlite3.OperationalError as error:
        if not _is_damage(error):
            raise _storage_error(path, error) from error
        reason: Exception = error
    except (sqlite3.DatabaseError, _NewerError) as error:
        reason = error
    _move_aside(path, reason)
    try:
        return _opened(path)
    except sqlite3.Error as error:
        raise _storage_error(path, error) from error


class _NewerError(Exception):
    """Written by a newer server."""


def _opened(path: Path) -> sqlite3.Connection:
    path.touch(0o600)  # SQLite gives its side files the same mode
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # flushed at checkpoints: whole also after a power cut
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise _NewerError(f"written by a newer server (version {version})")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _move_aside(path: Path, reason: Exception) -> None:
    logger.error("database %s cannot be used (%s): moved aside, its jobs are not known any more", path, reason)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    try:
        for suffix in ("", "-wal", "-shm"):
            file = path.with_name(path.name + suffix)
            if file.exists():
                file.replace(path.with_name(f"{path.name}.unusable-{stamp}{suffix}"))
    except OSError as error:
        raise StorageError(f"Database {path} cannot be used: {reason}", "Move it away") from error


def _storage_error(path: Path, error: sqlite3.Error) -> StorageError:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageError(f"Database {path} is in use by another program", "End that program, then try again")
    return StorageError(f"Database {path} cannot be opened: {error}", "Check the disk, or choose another folder")


@dataclass
class _Work:
    run: Callable[[sqlite3.Connection], Any]
    done: Callable[[Any, BaseException | None], None]
    result: Any = None
    error: BaseException | None = field(default=None)


class Database:
    """Runs what it is given one after the other, all that waits together in one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="database", daemon=True)

    def start(self) -> None:
        """Begin to work for the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def post(
        self, run: Callable[[sqlite3.Connection], T], done: Callable[[T | None, BaseException | None], None]
    ) -> None:
        """Have ``run`` called on the thread; ``done`` hears on the event loop what came of it, once it is on disk."""
        self._work.put(_Work(run, done))

    async def do(self, run: Callable[[sqlite3.Connection], T]) -> T:
        """What ``run`` gives, once it is on disk. Raises what it raises, sqlite3.Error when the disk refuses."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def done(result: Any, error: BaseException | None) -> None:
            if future.done():  # its task was cancelled
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self.post(run, done)
        return await future

    async def close(self) -> None:
        """Finish what waits, then close the file."""
        self._work.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _run(self) -> None:
        """Thread: batch after batch until None comes."""
        ending = False
        while not ending:
            batch = [self._work.get()]
            while not self._work.empty():
                batch.append(self._work.get())
            ending = None in batch
            works = [work for work in batch if work is not None]
            if works:
                self._transaction(works)
                self._tell(works)

    def _transaction(self, works: list[_Work]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for work in works:
                self._one(work)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:  # nothing of it is on disk
            logger.error("the database refuses: %s", error)
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for work in works:
                work.error = work.error or error

    def _one(self, work: _Work) -> None:
        """One piece of work; when it fails nothing of it stays, the others go on."""
        self._connection.execute("SAVEPOINT one")
        try:
            work.result = work.run(self._connection)
        except Exception as error:  # noqa: BLE001 - told to whoever gave the work
            work.error = error
            if self._connection.in_transaction:  # a full disk may have rolled back everything
                self._connection.execute("ROLLBACK TO one")
        self._connection.execute("RELEASE one")

    def _tell(self, works: list[_Work]) -> None:
        def tell() -> None:
            for work in works:
                work.done(work.result, work.error)

        if self._loop:
            try:
                self._loop.call_soon_threadsafe(tell)
            except RuntimeError:  # the loop has ended: nobody listens any more
                logger.debug("the event loop has ended before the database")
