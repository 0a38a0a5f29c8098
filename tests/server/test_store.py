"""Jobs on disk: what survives, what is forgotten, what a damaged or full disk does."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from pathlib import Path

import pytest

from blender_segaddon.protocol.errors import StorageError
from bridge_server.jobs import database
from bridge_server.jobs.blobs import Blobs
from bridge_server.jobs.spool import Spool
from bridge_server.problems import ProblemError

from .store import drive, ended, finish, opened, settled, submit


def test_a_job_is_there_after_a_restart_and_so_is_its_key(tmp_path: Path):
    async def first() -> str:
        async with opened(tmp_path) as jobs:
            job = await submit(jobs, key="k", priority="batch", deadline=time.time() + 60)
            return job.id

    async def second(id: str) -> None:
        async with opened(tmp_path) as jobs:
            job = await jobs.get(id)
            assert (job.key, job.priority, job.state, jobs.queued) == ("k", "batch", "queued", 1)
            assert await submit(jobs, key="k") is job
            with pytest.raises(ProblemError) as refusal:
                await submit(jobs, "1 0", key="k")
            assert refusal.value.status == 409
            assert await jobs.next() is job

    drive(second(drive(first())))


def test_the_same_key_at_the_same_time_is_one_job(tmp_path: Path):
    async def run() -> None:
        async with opened(tmp_path) as jobs:
            found = await asyncio.gather(*(submit(jobs, key="k") for _ in range(20)))
            assert len({job.id for job in found}) == jobs.queued == 1
            assert len(list((jobs.folder / "bodies").iterdir())) == 1

    drive(run())


def test_event_numbers_go_on_after_a_restart(tmp_path: Path):
    async def first() -> str:
        async with opened(tmp_path) as jobs:
            job = await submit(jobs)
            await jobs.next()
            job.attempt = 1
            job.report("loading")
            job.report("running", step=1, steps=4)
            return job.id

    async def second(id: str) -> None:
        async with opened(tmp_path) as jobs:
            job = await jobs.get(id)
            await finish(jobs, job)
            events = await ended(job)
            assert [event.number for event in events] == [1, 2, 3, 4, 5]
            assert [event.state for event in events] == ["queued", "loading", "running", "queued", "succeeded"]
            assert await ended(await jobs.get(id)) == events

    drive(second(drive(first())))


def test_nobody_sees_an_event_before_it_is_on_disk(tmp_path: Path):
    async def run() -> None:
        async with opened(tmp_path) as jobs:
            job = await submit(jobs)
            job.report("loading")
            assert job.event.state == "queued"
            async for event in job.follow(1, 60.0):
                assert event
                with sqlite3.connect(jobs.folder / "jobs.sqlite3") as other:
                    (text,) = other.execute("SELECT event FROM events WHERE number = 2").fetchone()
                other.close()
                assert event.state in text
                break

    drive(run())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"attempt": 2}, ("failed", "interrupted")),
        ({"attempt": 1}, ("queued", "")),
        ({"stopping": 1, "attempt": 1}, ("cancelled", "")),
        ({"deadline": 1.0}, ("expired", "deadline")),
        ({"body_size": 1}, ("failed", "body_lost")),
    ],
    ids=str,
)
def test_what_becomes_of_a_job_whose_server_died(tmp_path: Path, before: dict[str, float], after: tuple[str, str]):
    async def first() -> str:
        async with opened(tmp_path) as jobs:
            job = await submit(jobs)
            job.report("running")
        with sqlite3.connect(tmp_path / "jobs" / "jobs.sqlite3") as db:
            for name, value in before.items():
                db.execute(f"UPDATE jobs SET {name} = ?", (value,))
        db.close()
        return job.id

    async def second(id: str) -> None:
        async with opened(tmp_path) as jobs:
            await settled(jobs)
            job = await jobs.get(id)
            assert (job.event.state, job.event.code) == after
            assert jobs.queued == (after[0] == "queued")

    drive(second(drive(first())))


def test_half_written_files_are_swept_at_the_start(tmp_path: Path):
    async def run() -> None:
        async with opened(tmp_path) as jobs:
            await submit(jobs)
        for folder in ("bodies", "results"):
            (tmp_path / "jobs" / folder / "left.part").write_bytes(b"half")
        async with opened(tmp_path) as jobs:
            assert len(list((tmp_path / "jobs" / "bodies").iterdir())) == 1
            assert not list((tmp_path / "jobs" / "results").iterdir())

    drive(run())


def test_a_store_without_a_job_leaves_nothing(tmp_path: Path):
    async def run() -> None:
        async with opened(tmp_path):
            pass

    drive(run())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("limits", "kept"),
    [({"max_results": 2}, 2), ({"max_result_bytes": 250}, 2), ({"max_result_bytes": 1}, 1), ({"result_seconds": 0}, 0)],
    ids=str,
)
def test_old_results_are_forgotten_the_oldest_first(tmp_path: Path, limits: dict[str, float], kept: int):
    async def run() -> None:
        async with opened(tmp_path) as jobs:
            done = [await submit(jobs) for _ in range(4)]
            for job in done:
                await finish(jobs, job)
        async with opened(tmp_path, **limits) as jobs:
            await settled(jobs)
            assert [job.id for job in await jobs.newest()] == [job.id for job in done[::-1][:kept]]
            assert jobs.snapshot().kept == kept
            assert {path.name for path in (jobs.folder / "results").iterdir()} == {j.id for j in done[4 - kept :]}
            with pytest.raises(ProblemError) as refusal:
                await jobs.get(done[0].id)
            assert refusal.value.status == 404

    drive(run())


def test_a_result_that_is_being_read_is_not_forgotten(tmp_path: Path):
    async def run() -> None:
        async with opened(tmp_path, max_results=1) as jobs:
            first = await submit(jobs)
            await finish(jobs, first)
            with jobs.reading(first) as stored:
                await finish(jobs, await submit(jobs))
                assert stored.path.read_bytes() == bytes(100)
            await finish(jobs, await submit(jobs))
            assert not stored.path.exists()

    drive(run())


def test_a_full_queue_refuses_before_the_body_comes(tmp_path: Path):
    async def run() -> None:
        async with opened(tmp_path, max_queued=2, max_queued_bytes=10_000) as jobs:
            with pytest.raises(ProblemError) as refusal:
                async with jobs.incoming(20_000):
                    pass
            assert refusal.value.status == 429
            await submit(jobs, key="k")
            async with jobs.incoming(10):
                with pytest.raises(ProblemError) as refusal:
                    await submit(jobs)
                assert (refusal.value.status, refusal.value.retry_after > 0) == (429, True)
                await submit(jobs, key="k")  # known: it needs no room
            await submit(jobs)

    drive(run())


def test_a_body_that_breaks_off_leaves_nothing(tmp_path: Path):
    async def run() -> None:
        async with opened(tmp_path) as jobs:
            with pytest.raises(ConnectionResetError):
                async with jobs.incoming(1 << 20) as spool:
                    await spool.write(bytes(3 << 20))
                    raise ConnectionResetError
            assert not list((jobs.folder / "bodies").iterdir())
            assert jobs.snapshot().queued_bytes == 0

    drive(run())


def test_jobs_expire(tmp_path: Path):
    async def run() -> None:
        async with opened(tmp_path) as jobs:
            runs = await submit(jobs, deadline=time.time() + 0.1)
            await jobs.next()
            waits = await submit(jobs, deadline=time.time() + 0.1)
            assert [event.state for event in await ended(waits)] == ["queued", "expired"]
            assert jobs.queued == 0
            assert runs.stop_wanted.is_set()
            runs.report_stopped()
            assert (await ended(runs))[-1].code == "deadline"

    drive(run())


def test_interactive_jobs_go_first_and_batch_jobs_do_not_starve(tmp_path: Path):
    async def run() -> None:
        async with opened(tmp_path) as jobs:
            batch = [await submit(jobs, priority="batch") for _ in range(2)]
            quick = [await submit(jobs) for _ in range(8)]
            order = [await jobs.next() for _ in range(10)]
            assert order == [*quick[:4], batch[0], *quick[4:], batch[1]]

    drive(run())


def test_a_held_queue_gives_no_job(tmp_path: Path):
    async def run() -> None:
        async with opened(tmp_path) as jobs:
            jobs.hold()
            job = await submit(jobs)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(jobs.next(), 0.05)
            jobs.release()
            assert await jobs.next() is job

    drive(run())


@pytest.mark.parametrize("damage", ["garbage", "truncated", "newer"])
def test_a_database_that_cannot_be_used_is_moved_aside(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture):
    async def run() -> None:
        async with opened(tmp_path) as jobs:
            for _ in range(20):
                await submit(jobs)
        path = tmp_path / "jobs" / "jobs.sqlite3"
        if damage == "garbage":
            path.write_bytes(b"no database" * 1000)
        elif damage == "truncated":
            path.write_bytes(path.read_bytes()[:5000])
        else:
            with sqlite3.connect(path) as db:
                db.execute("PRAGMA user_version = 999")
            db.close()
        async with opened(tmp_path) as jobs:
            assert jobs.queued == 0
            await submit(jobs)
        assert "moved aside" in caplog.text
        assert len(list(path.parent.glob("jobs.sqlite3.unusable-*"))) == 1
        async with opened(tmp_path) as jobs:
            assert jobs.queued == 1

    drive(run())


def test_a_database_that_another_program_holds_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    (tmp_path / "jobs").mkdir()
    other = sqlite3.connect(tmp_path / "jobs" / "jobs.sqlite3")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match=r"in use by another program"):
        database.open_database(tmp_path / "jobs" / "jobs.sqlite3")
    other.close()


def test_an_older_database_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def run(count: int) -> None:
        async with opened(tmp_path) as jobs:
            assert jobs.queued == count
            await submit(jobs)

    drive(run(0))
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, "ALTER TABLE jobs ADD COLUMN owner TEXT"))
    drive(run(1))
    with sqlite3.connect(tmp_path / "jobs" / "jobs.sqlite3") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
        assert db.execute("SELECT owner FROM jobs").fetchall() == [(None,), (None,)]
    db.close()


def test_a_database_that_is_full_refuses_jobs_and_takes_them_again(tmp_path: Path):
    async def run() -> None:
        async with opened(tmp_path) as jobs:
            job = await submit(jobs)
            limit = "PRAGMA max_page_count = 1"
            await jobs._database.do(lambda db: db.execute(limit).fetchone())
            with pytest.raises(ProblemError) as refusal:
                for index in range(1000):
                    await submit(jobs, key=f"{index}" * 50)
            assert (refusal.value.status, refusal.value.code) == (507, "storage")
            assert refusal.value.retry_after
            assert len(list((jobs.folder / "bodies").iterdir())) == jobs.queued
            await jobs._database.do(lambda db: db.execute("PRAGMA max_page_count = 10000").fetchone())
            await submit(jobs)
            await jobs.cancel(job)
            assert job.event.state == "cancelled"

    drive(run())


def test_a_spool_is_hashed_as_it_comes(tmp_path: Path):
    pieces = [bytes([index % 251]) * (index % 4000) for index in range(3000)]  # many small ones and 6 MB together

    async def run() -> None:
        spool = Spool(tmp_path / "one")
        for piece in pieces:
            await spool.write(piece)
        (tmp_path / "two").write_bytes(b"x" * 5000)
        await spool.add_file(tmp_path / "two")
        stored = await spool.finish()
        whole = b"".join(pieces) + b"x" * 5000
        assert stored.path.read_bytes() == whole
        assert (stored.size, stored.sha256) == (len(whole), hashlib.sha256(whole).hexdigest())

    drive(run())


def test_blobs_are_kept_by_their_hash_up_to_their_limit(tmp_path: Path):
    def data(index: int) -> bytes:
        return bytes([index]) * 1000

    async def put(blobs: Blobs, index: int, name: str) -> None:
        async with blobs.incoming(1000) as spool:
            await spool.write(data(index))
            blobs.put(await spool.finish(), name)

    async def run() -> None:
        blobs = Blobs(tmp_path / "blobs", 2500)
        names = [hashlib.sha256(data(index)).hexdigest() for index in range(3)]
        await put(blobs, 0, names[0])
        await put(blobs, 1, names[1])
        assert blobs.path(names[0]).read_bytes() == data(0)
        time.sleep(0.01)
        assert blobs.has(names[0])  # used last, so the other one goes
        await put(blobs, 2, names[2])
        assert [blobs.has(name) for name in names] == [True, False, True]
        for wrong in (names[0].upper(), "../token", "", "0" * 63, "\udc80" * 64):
            assert not blobs.has(wrong)
        with pytest.raises(ProblemError) as refusal:
            await put(blobs, 1, names[2])
        assert refusal.value.code == "wrong_hash"
        with pytest.raises(ProblemError) as refusal:
            async with blobs.incoming(3000):
                pass
        assert refusal.value.status == 413
        assert {path.name for path in (tmp_path / "blobs").iterdir()} == {names[0], names[2]}

    drive(run())
