"""Jobs over the real socket, run by a real worker process."""

from __future__ import annotations

import dataclasses
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from blender_segaddon.client import Bridge
from blender_segaddon.core.wire import scene_to_wire
from blender_segaddon.protocol.errors import Cancelled, InvalidInput, JobFailed
from blender_segaddon.protocol.framing import BodyWriter
from blender_segaddon.protocol.messages import Event, GenerateRequest

from ..unit.test_protocol_wire import some_maps
from .support import alive, call, kill, post, rehearsal, until


def test_a_scene_comes_back_as_pictures(shared: Bridge):
    writer = BodyWriter()
    scene = scene_to_wire(some_maps(24, 32), writer)
    request = GenerateRequest("preview", "a harbour at dawn", seed=2**32 - 1, count=2, scene=scene)
    result, images = shared.run(writer.finish(request))
    assert [(image.shape, image.dtype) for image in images] == [((24, 32, 3), np.uint8)] * 2
    assert result.seeds == (2**32 - 1, 0)
    assert (result.generator, result.is_model) == ("preview", False)
    assert result.metadata["notice"]


def test_only_the_masked_pixels_change(shared: Bridge):
    image = np.random.default_rng(3).integers(0, 256, (24, 32, 3), np.uint8)
    mask = np.zeros((24, 32), bool)
    mask[4:9, 5:20] = True
    writer = BodyWriter()
    scene = scene_to_wire(some_maps(24, 32), writer)
    ref = writer.add(image)
    request = GenerateRequest("preview", "a red door", scene=scene, image=ref, mask=writer.add(mask, compress=True))
    _, (out,) = shared.run(writer.finish(request))
    assert np.array_equal(out[~mask], image[~mask])


def test_every_caller_gets_its_own_pictures(shared: Bridge):
    def seen(seed: int) -> list[int]:
        _, images = shared.run(rehearsal("2 0.005", seed=seed, count=2))
        return [int(image[0, 0, 0]) for image in images]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(seen, range(0, 160, 10))) == [[seed, seed + 1] for seed in range(0, 160, 10)]


def test_events_count_on_and_progress_only_rises(shared: Bridge):
    heard: list[Event] = []
    shared.run(rehearsal("6 0.03", count=2), on_event=heard.append)
    assert [event.number for event in heard] == list(range(1, len(heard) + 1))
    order = ["queued", "loading", "running", "finalizing", "succeeded"]
    ranks = [order.index(event.state) for event in heard]
    assert ranks == sorted(ranks)
    steps = [event.step for event in heard if event.steps]
    assert steps == sorted(set(steps))
    assert steps[-1] == heard[-3].steps == 12


def test_cancel_answers_at_once_and_stops_the_work(shared: Bridge):
    worker = shared.info().worker_pid
    flag = threading.Event()
    asked = 0.0

    def on_event(event: Event) -> None:
        nonlocal asked
        if event.step == 1:
            asked = time.monotonic()
            flag.set()

    with pytest.raises(Cancelled):
        shared.run(rehearsal("400 0.05"), on_event=on_event, cancelled=flag.is_set)
    assert time.monotonic() - asked < 0.3
    shared.run(rehearsal())  # takes 20 s if the work went on
    assert shared.info().worker_pid == worker, "it stopped at a step, it was not killed"


def test_a_worker_that_does_not_stop_is_replaced(shared: Bridge):
    worker = shared.info().worker_pid
    started = threading.Event()
    with pytest.raises(Cancelled):
        shared.run(
            rehearsal("1 20 deaf"),
            on_event=lambda event: started.set() if event.state == "running" else None,
            cancelled=started.is_set,
        )
    shared.run(rehearsal())
    assert shared.info().worker_pid != worker
    assert not alive(worker)


def test_cancel_while_the_job_is_handed_over_leaves_the_worker_alone(shared: Bridge, shared_home: Path):
    writer = BodyWriter()
    image = writer.add(np.zeros((4096, 4096, 3), np.uint8))  # 50 MB take a while through the worker's pipe
    large = writer.finish(GenerateRequest("rehearsal", "400 0.05", image=image))
    worker = shared.info().worker_pid
    job = post(shared_home, large)[1]["id"]
    call(shared_home, "DELETE", f"/v1/jobs/{job}")
    until(lambda: call(shared_home, "GET", f"/v1/jobs/{job}")[1]["event"]["state"] == "cancelled", 5)
    shared.run(rehearsal())
    assert shared.info().worker_pid == worker


def test_a_caller_that_fails_cancels_its_job(shared: Bridge):
    def on_event(event: Event) -> None:
        if event.state == "running":
            raise RuntimeError("the panel is gone")

    with pytest.raises(RuntimeError):
        shared.run(rehearsal("400 0.05"), on_event=on_event)
    shared.run(rehearsal())


def test_a_killed_worker_is_replaced_and_the_job_run_again(shared: Bridge):
    killed: list[int] = []

    def on_event(event: Event) -> None:
        if event.step == 1 and not killed:
            killed.append(shared.info().worker_pid)
            kill(killed[0])

    _, (image,) = shared.run(rehearsal("4 0.05", seed=9), on_event=on_event)
    assert killed
    assert int(image.max()) == 9


def test_a_job_that_kills_every_worker_fails_and_the_next_one_works(shared: Bridge):
    def on_event(event: Event) -> None:
        if event.state == "running" and event.step == 0:
            kill(shared.info().worker_pid)

    with pytest.raises(JobFailed) as failure:
        shared.run(rehearsal("40 0.05"), on_event=on_event)
    assert failure.value.job_code == "worker_died"
    assert failure.value.hint
    shared.run(rehearsal())


def test_a_failure_in_the_generator_is_told(shared: Bridge):
    with pytest.raises(JobFailed, match="ValueError") as failure:
        shared.run(rehearsal("no numbers"))
    assert failure.value.job_code == "internal"


def test_an_unknown_generator_is_refused_with_the_list(shared: Bridge):
    with pytest.raises(InvalidInput, match=r"'sdxl'.*preview, classical, rehearsal"):
        shared.run(rehearsal(generator="sdxl"))


def test_what_the_worker_refuses_is_bad_input_too(shared: Bridge):
    writer = BodyWriter()
    scene = dataclasses.replace(scene_to_wire(some_maps(4, 4), writer), vocabulary="klingon")
    request = GenerateRequest("preview", scene=scene)
    with pytest.raises(InvalidInput, match=r"klingon.*ade20k"):
        shared.run(writer.finish(request))


def test_a_full_queue_makes_the_client_wait(shared: Bridge, shared_home: Path):
    bodies = [rehearsal("10 0.05"), *([rehearsal()] * 60)]
    statuses = [post(shared_home, body)[0] for body in bodies]
    assert 429 in statuses
    status, problem, headers = post(shared_home, rehearsal())
    assert (status, problem["code"], problem["retryable"], headers["retry-after"]) == (429, "queue_full", True, "1")
    _, (image,) = shared.run(rehearsal(seed=5))
    assert int(image.max()) == 5


def test_the_same_key_is_the_same_job(shared: Bridge, shared_home: Path):
    first, again = (post(shared_home, rehearsal(), Idempotency_Key="k")[1]["id"] for _ in range(2))
    assert first == again
    status, problem, _ = post(shared_home, rehearsal(seed=1), Idempotency_Key="k")
    assert (status, problem["code"]) == (409, "key_reused")
    assert post(shared_home, rehearsal())[1]["id"] != first


def test_a_cut_event_stream_goes_on_after_the_last_event(shared: Bridge, shared_home: Path):
    job = post(shared_home, rehearsal("2 0.01"))[1]["id"]
    whole = call(shared_home, "GET", f"/v1/jobs/{job}/events")[1].split(b"\n\n")
    rest = call(shared_home, "GET", f"/v1/jobs/{job}/events", Last_Event_ID="2")[1].split(b"\n\n")
    assert rest == whole[2:]
    assert whole[0].startswith(b'id: 1\nevent: queued\ndata: {"number":1,"state":"queued"')
    assert call(shared_home, "GET", f"/v1/jobs/{job}/events", Last_Event_ID="99")[1] == b""


def test_a_job_can_be_asked_about_and_cancelled_while_it_waits(shared: Bridge, shared_home: Path):
    first = post(shared_home, rehearsal("400 0.05"))[1]["id"]
    second = post(shared_home, rehearsal())[1]["id"]
    assert call(shared_home, "GET", f"/v1/jobs/{second}")[1]["event"]["message"] == "1 ahead"
    assert call(shared_home, "DELETE", f"/v1/jobs/{second}")[1]["event"]["state"] == "cancelled"
    status, problem, _ = call(shared_home, "GET", f"/v1/jobs/{first}/result")
    assert (status, problem["retryable"]) == (409, True)
    assert call(shared_home, "DELETE", f"/v1/jobs/{first}")[0] == 202
    until(lambda: call(shared_home, "GET", f"/v1/jobs/{first}")[1]["event"]["state"] == "cancelled", 2)
    assert call(shared_home, "GET", f"/v1/jobs/{first}/result")[0] == 409


def test_the_server_process_stays_light(shared: Bridge):
    writer = BodyWriter()
    shared.run(writer.finish(GenerateRequest("preview", scene=scene_to_wire(some_maps(4, 4), writer))))
    info = shared.info()
    assert info.heavy_modules == ()
    assert info.pid != info.worker_pid != 0
