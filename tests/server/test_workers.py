"""Workers: memory that runs short, models that nobody uses, the GPU lent to Blender, jobs that do not stop."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from blender_segaddon.protocol.framing import BodyWriter, read_body
from blender_segaddon.protocol.messages import GenerateResult
from blender_segaddon.protocol.segmenting import SegmentRequest
from bridge_server import generators
from bridge_server.generators import Generator
from bridge_server.jobs.job import Job
from bridge_server.jobs.lane import _Pace
from bridge_server.jobs.worker_process import WorkerDiedError
from bridge_server.models import memory
from bridge_server.models.residency import Residency

from .store import drive, ended, running, submit
from .support import alive, kill

GIB = 1 << 30
RESIDENT, LARGE, LARGER = generators.TEST_GENERATORS


def result_of(job: Job) -> GenerateResult:
    assert job.result
    return read_body(job.result.path.read_bytes()).message(GenerateResult)


async def until(condition, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def test_out_of_memory_is_tried_once_more_in_the_next_mode(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path) as (jobs, _):
            job = await submit(jobs, "1 0 hungry")
            events = await ended(job)
            assert events[-1].state == "succeeded"
            assert any("once more in mode frugal" in event.message for event in events)
            assert result_of(job).metadata["mode"] == "frugal"
            job = await submit(jobs, "1 0")
            await ended(job)
            assert result_of(job).metadata["mode"] == "fast"

    drive(run())


def test_out_of_memory_in_every_mode_fails_and_the_next_job_runs(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path) as (jobs, runner):
            final = (await ended(await submit(jobs, "1 0 starving")))[-1]
            assert (final.state, final.code) == ("failed", "gpu_oom")
            assert final.hint
            worker = runner.worker_pids
            assert (await ended(await submit(jobs)))[-1].state == "succeeded"
            assert runner.worker_pids == worker, "the worker lives on"

    drive(run())


def test_the_least_recently_used_goes_when_memory_runs_short():
    asked: list[int] = []

    def budget(taken: int) -> int:
        asked.append(taken)
        return 15 * GIB

    models = Residency(budget, "cpu")
    models.get(LARGE)
    models.get(LARGER)
    models.get(LARGE)
    assert list(models.sizes()) == ["rehearsal-larger", "rehearsal-large"]
    models.get(RESIDENT)  # takes nothing, so nothing goes
    models.get(Generator("third", LARGE.module, False, 7 * GIB))
    assert models.sizes() == {"rehearsal-large": 6 * GIB, "rehearsal": 0, "third": 7 * GIB}
    assert asked[-2:] == [14 * GIB, 6 * GIB]
    models.get(Generator("huge", LARGE.module, False, 99 * GIB))
    assert list(models.sizes()) == ["huge"], "what never fits is tried alone"


def test_models_that_are_idle_are_unloaded_and_then_the_worker_ends(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path, model_idle_seconds=0.3, worker_idle_seconds=2.0) as (jobs, runner):
            await ended(await submit(jobs, generator="rehearsal-large"))
            await until(lambda: runner.devices()[0].loaded == {"rehearsal-large": 6 * GIB}, 1)
            (worker,) = runner.worker_pids
            await until(lambda: runner.devices()[0].loaded == {})
            assert runner.worker_pids == (worker,)
            await until(lambda: not runner.worker_pids)
            await until(lambda: not alive(worker))
            assert (await ended(await submit(jobs)))[-1].state == "succeeded"

    drive(run())


def test_generators_are_loaded_and_unloaded_on_request(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path) as (_, runner):
            await runner.load("rehearsal-large")
            assert runner.devices()[0].loaded == {"rehearsal-large": 6 * GIB}
            assert runner.devices()[0].total > 0
            await runner.unload("rehearsal-large")
            assert runner.devices()[0].loaded == {}

    drive(run())


def test_lent_memory_keeps_jobs_waiting_until_it_is_back(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path) as (jobs, runner):
            await runner.load("rehearsal")
            await runner.pause()
            job = await submit(jobs)
            await asyncio.sleep(0.2)
            assert (job.state, runner.paused) == ("queued", True)
            await runner.resume()  # a generator that paints while its memory is lent fails
            assert (await ended(job))[-1].state == "succeeded"
            await runner.pause(0.1)
            assert (await ended(await submit(jobs)))[-1].state == "succeeded", "a pause ends by itself"

    drive(run())


def test_a_click_does_not_wait_for_a_job_that_starts_the_worker(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path) as (jobs, runner):
            await runner.load("rehearsal")
            await runner.free()
            job = await submit(jobs, "100 0.05")
            await until(lambda: job.state == "loading")
            for _ in range(2):
                header, _ = await asyncio.wait_for(runner.ask(*question(tmp_path)), 4.0)
                assert "code" not in header and not job.ended
            await jobs.cancel(job)
            await ended(job)

    drive(run())


def test_a_worker_that_a_click_starts_while_the_memory_is_lent_keeps_off_it(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path) as (jobs, runner):
            await runner.load("rehearsal")
            await runner.free()
            await runner.pause()
            header, _ = await runner.ask(*question(tmp_path))  # needs no model: it is answered
            assert "code" not in header
            await runner.load("rehearsal-large")
            assert runner.devices()[0].loaded == {}, "nothing comes onto the device"
            await runner.resume()
            await runner.load("rehearsal-large")
            assert runner.devices()[0].loaded == {"rehearsal-large": 6 * GIB}
            await runner.pause()
            kill(runner.worker_pids[0])
            await until(lambda: not runner.worker_pids)
            await runner.ask(*question(tmp_path))
            await runner.load("rehearsal-large")
            assert runner.devices()[0].loaded == {}, "nor after it died meanwhile"
            await runner.resume()
            assert (await ended(await submit(jobs)))[-1].state == "succeeded"

    drive(run())


def test_a_worker_whose_pipe_broke_counts_as_dead_at_once(tmp_path: Path):
    """Else it is handed the job again, and one death takes both attempts."""

    async def run() -> None:
        async with running(tmp_path) as (_, runner):
            await runner.load("rehearsal")
            worker = runner._lanes[0].worker
            for _ in range(5):
                await worker.ensure()
                kill(worker.pid)
                with pytest.raises(WorkerDiedError):
                    while True:
                        await worker.send({"type": "cancel", "job": ""})
                assert not worker.ready

    drive(run())


def question(folder: Path) -> tuple[Path, bytes]:
    """A request for masks that takes no model."""
    picture = np.zeros((8, 8, 3), np.uint8)
    (folder / "picture").write_bytes(picture.tobytes())
    request = SegmentRequest(hashlib.sha256(picture.tobytes()).hexdigest(), 8, 8, wanted="prepare")
    return folder / "picture", b"".join(BodyWriter().finish(request))


def test_free_ends_the_workers_and_the_next_job_starts_one(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path) as (jobs, runner):
            job = await submit(jobs, "4 0.05")
            await until(lambda: job.state == "running")
            (worker,) = runner.worker_pids
            await runner.free()
            assert not alive(worker)
            assert (await ended(job))[-1].state == "succeeded", "not at the cost of a job under way"
            await ended(await submit(jobs))
            assert runner.worker_pids not in ((), (worker,))

    drive(run())


def test_every_device_has_a_worker_of_its_own(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path, devices=("cpu", "cpu")) as (jobs, runner):
            both = [await submit(jobs, "400 0.05") for _ in range(2)]
            await until(lambda: all(job.state == "running" for job in both))
            assert len(set(runner.worker_pids)) == 2
            assert jobs.snapshot().running == 2
            for job in both:
                await jobs.cancel(job)
                await ended(job)
            assert jobs.snapshot().ended == {"cancelled": 2}

    drive(run())


@pytest.mark.skipif(sys.platform == "win32", reason="there it is a flag of the process's start")
def test_a_worker_without_a_gpu_gives_way_to_whoever_works_at_the_machine(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path) as (jobs, runner):
            await ended(await submit(jobs, "1 0"))
            (lane,) = runner._lanes
            threads = Path(f"/proc/{lane.worker.pid}/task")
            numbers = [int(one.name) for one in threads.iterdir()] if threads.is_dir() else [lane.worker.pid]
            ours = os.getpriority(os.PRIO_PROCESS, 0)
            assert all(os.getpriority(os.PRIO_PROCESS, one) > ours for one in numbers)

    drive(run())


def test_the_picture_can_be_seen_in_the_middle(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path) as (jobs, _):
            job = await submit(jobs, "5 0.06 shown")
            await until(lambda: job.preview is not None)
            seen = job.preview
            assert seen
            assert (seen.height, seen.width, len(seen.rgb), seen.steps) == (2, 3, 18, 5)
            await ended(job)
            assert job.preview is None

    drive(run())


def test_a_cancellation_while_a_model_compiles_waits_longer_and_says_so(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path, cancel_grace=0.1, load_grace=0.6) as (jobs, runner):
            await ended(await submit(jobs))
            (worker,) = runner.worker_pids
            job = await submit(jobs, "1 30 loading")
            await until(lambda: job.event.message == "Compiling, as asked")
            asked = time.monotonic()
            await jobs.cancel(job)
            events = await ended(job)
            assert 0.5 < time.monotonic() - asked < 2
            assert [event.message for event in events[-2:]] == ["Stopping: this may take up to 1 s", ""]
            assert events[-1].state == "cancelled"
            assert not alive(worker)

    drive(run())


def test_a_cancellation_waits_for_twice_the_last_step():
    clock = iter([0.0, 1.0, 2.0, 5.0, 5.5])
    pace = _Pace(lambda: next(clock))
    assert pace.loading
    pace.note("loading", 0)
    assert pace.loading
    pace.note("running", 0)
    assert (pace.loading, pace.step_seconds) == (False, 0.0)
    pace.note("running", 2)
    assert pace.step_seconds == 1.5
    pace.note("finalizing", 0)
    assert pace.step_seconds == 1.5


def test_a_step_that_takes_far_longer_than_the_others_is_told(tmp_path: Path):
    from bridge_server.execution import _Steps

    said: list[str] = []

    def say(state: str, preview: object = None, **fields: object) -> None:
        said.append(str(fields["message"]))

    steps = _Steps(lambda: False, say, 1)
    steps._times = [0.1] * 10
    steps._last = time.monotonic() - 1.5
    steps(1, 3)
    steps._last = time.monotonic() - 1.5
    steps(2, 3)
    assert [text.startswith("A step took 15 times the usual") for text in said] == [True, False] or said[1:] == []


def test_the_memory_of_this_machine_is_known():
    now = memory.read("cpu")
    assert 0 < now.free <= now.total
    assert memory.read("cuda:99") == memory.Memory(0, 0)


def test_a_worker_that_is_killed_while_it_is_idle_is_replaced(tmp_path: Path):
    async def run() -> None:
        async with running(tmp_path) as (jobs, runner):
            await ended(await submit(jobs))
            kill(runner.worker_pids[0])
            job = await submit(jobs)
            assert (await ended(job))[-1].state == "succeeded"

    drive(run())


def test_a_drained_job_is_run_by_the_next_server_and_loses_no_attempt(tmp_path: Path):
    async def run() -> None:
        for _ in range(3):  # more often than there are attempts
            async with running(tmp_path) as (jobs, _):
                job = (await jobs.newest())[0] if await jobs.newest() else await submit(jobs, "200 0.05")
                await until(lambda job=job: job.event.step > 0)
        async with running(tmp_path, drain_grace=0.1) as (jobs, _):
            job = await jobs.get(job.id)
            assert job.attempt == 1 or job.state == "queued"
            await jobs.cancel(job)
            events = await ended(job)
            assert [event.number for event in events] == list(range(1, len(events) + 1))
            assert events[-1].state == "cancelled"

    drive(run())


@pytest.mark.parametrize("prompt", ["no numbers", "1 0 starving"])
def test_a_failed_job_leaves_no_file(tmp_path: Path, prompt: str):
    async def run() -> None:
        async with running(tmp_path) as (jobs, _):
            assert (await ended(await submit(jobs, prompt)))[-1].state == "failed"
            await asyncio.sleep(0.1)
            assert not [*(jobs.folder / "bodies").iterdir(), *(jobs.folder / "results").iterdir()]

    drive(run())
