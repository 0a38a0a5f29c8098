"""What every route does for those who may call."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import schemathesis

from blender_segaddon.client import Bridge
from blender_segaddon.protocol.codec import from_json, to_json
from blender_segaddon.protocol.framing import BodyWriter, read_body
from blender_segaddon.protocol.messages import (
    GenerateRequest,
    GenerateResult,
    JobFromBlobs,
    JobList,
    JobPreview,
    ServerInfo,
)
from bridge_server.routes import ENDPOINTS

from .support import call, post, rehearsal, until


def ended(home: Path, job: str) -> dict[str, Any]:
    """The job's last event, once it has ended."""
    until(lambda: call(home, "GET", f"/v1/jobs/{job}")[1]["event"]["state"] in ("succeeded", "failed", "cancelled"))
    return call(home, "GET", f"/v1/jobs/{job}")[1]["event"]


def done(home: Path, *arguments: Any, **options: Any) -> str:
    """A job that has succeeded."""
    job = post(home, rehearsal(*arguments, **options))[1]["id"]
    assert ended(home, job)["state"] == "succeeded"
    return job


def test_health_is_live_and_ready(shared: Bridge, shared_home: Path):
    for path in ("/v1/health", "/v1/health/live", "/v1/health/ready"):
        assert call(shared_home, "GET", path)[:2] == (200, {"status": "ok", "queued": 0, "running": 0})


def test_a_full_queue_is_alive_and_not_ready(shared: Bridge, shared_home: Path):
    running = post(shared_home, rehearsal("400 0.05"))[1]["id"]
    waiting = [post(shared_home, rehearsal())[1]["id"] for _ in range(32)]
    assert call(shared_home, "GET", "/v1/health/live")[0] == 200
    status, problem, headers = call(shared_home, "GET", "/v1/health/ready")
    assert (status, problem["code"], problem["retryable"], headers["retry-after"]) == (429, "queue_full", True, "1")
    for job in (*waiting, running):
        assert call(shared_home, "DELETE", f"/v1/jobs/{job}")[0] == 202
    until(lambda: call(shared_home, "GET", "/v1/health/ready")[0] == 200)


def test_info_tells_what_there_is_and_how_much_of_it(shared: Bridge, shared_home: Path):
    info = from_json(ServerInfo, call(shared_home, "GET", "/v1/info")[1])
    assert "preview" in info.generators
    assert info.vocabularies == ("ade20k", "coco_panoptic")
    assert info.limits
    assert info.limits.pixels == 8192 * 8192
    assert info.limits.queued_jobs == 32


def test_metrics_are_well_formed_and_count(shared: Bridge, shared_home: Path):
    def metrics() -> dict[str, float]:
        status, text, headers = call(shared_home, "GET", "/v1/metrics")
        assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        lines = text.decode().splitlines()
        sample = re.compile(r'([a-z_]+(?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})?) ([-+.e0-9]+)')
        matched = [sample.fullmatch(line) for line in lines if not line.startswith("# ")]
        assert all(matched)
        kinds = {line.split()[2] for line in lines if line.startswith("# TYPE ")}
        assert {found[1].partition("{")[0] for found in matched if found} <= kinds
        return {found[1]: float(found[2]) for found in matched if found}

    before = metrics()
    done(shared_home)
    call(shared_home, "GET", "/v1/nowhere")
    after = metrics()
    route = 'segaddon_requests_total{method="POST",route="/v1/jobs",status="202"}'
    state = 'segaddon_jobs_ended_total{state="succeeded"}'
    assert (after[route] - before.get(route, 0), after[state] - before.get(state, 0)) == (1, 1)
    assert after['segaddon_requests_total{method="GET",route="none",status="404"}']
    assert after["segaddon_resident_bytes"] > 1 << 20


def test_a_job_goes_in_as_blobs_that_are_sent_once(shared: Bridge, shared_home: Path):
    writer = BodyWriter()
    image = writer.add(np.full((5, 7, 3), 9, np.uint8))
    mask = writer.add(np.eye(5, 7, dtype=bool))
    request = GenerateRequest("rehearsal", "0 0", seed=3, image=image, mask=mask)
    _, *parts = writer.finish(request)
    blobs = [bytes(part) for part in parts if memoryview(part).nbytes > 16]
    names = [hashlib.sha256(blob).hexdigest() for blob in blobs]
    body = json.dumps(to_json(JobFromBlobs((1, 0), "GenerateRequest", request, tuple(names)))).encode()
    refused = call(shared_home, "POST", "/v1/jobs", body, Content_Type="application/json")
    assert (refused[0], refused[1]["code"]) == (404, "no_such_blob")
    for name, blob in zip(names, blobs, strict=True):
        assert call(shared_home, "HEAD", f"/v1/blobs/{name}")[0] == 404
        status, kept, _ = call(shared_home, "PUT", f"/v1/blobs/{name}", blob, Content_Type="application/octet-stream")
        assert (status, kept) == (201, {"sha256": name, "size": len(blob)})
        status, _, headers = call(shared_home, "HEAD", f"/v1/blobs/{name}")
        assert (status, headers["content-length"]) == (200, str(len(blob)))
    for _ in range(2):
        status, accepted, _ = call(shared_home, "POST", "/v1/jobs", body, Content_Type="application/json")
        assert status == 202
        assert ended(shared_home, accepted["id"])["state"] == "succeeded"
        result = read_body(call(shared_home, "GET", f"/v1/jobs/{accepted['id']}/result")[1])
        picture = result.array(result.message(GenerateResult).images[0])
        assert (picture.shape, int(picture.max())) == ((5, 7, 3), 3)


def test_a_job_sent_in_both_ways_with_one_key_is_one_job(shared: Bridge, shared_home: Path):
    writer = BodyWriter()
    image = writer.add(np.zeros((4, 4, 3), np.uint8))
    request = GenerateRequest("rehearsal", "0 0", image=image)
    whole = b"".join(writer.finish(request))
    blob = bytes(48)
    name = hashlib.sha256(blob).hexdigest()
    call(shared_home, "PUT", f"/v1/blobs/{name}", blob, Content_Type="application/octet-stream")
    asked = json.dumps(to_json(JobFromBlobs((1, 0), "GenerateRequest", request, (name,)))).encode()
    first = post(shared_home, whole, Idempotency_Key="both")[1]["id"]
    second = call(shared_home, "POST", "/v1/jobs", asked, Content_Type="application/json", Idempotency_Key="both")
    assert second[1]["id"] == first


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"blobs": ["../../etc/passwd"]}, 404, "no_such_blob"),
        ({"blobs": ["a" * 64] * 65}, 400, "invalid_input"),
        ({"blobs": []}, 400, "invalid_input"),
        ({"blobs": "a"}, 400, "invalid_input"),
        ({"extra": 1}, 400, "invalid_input"),
        ({"type": "GenerateResult"}, 400, "invalid_input"),
        ({"protocol": [2, 0]}, 400, "protocol_mismatch"),
        ({"message": {"generator": "rehearsal", "url": "http://evil.example"}}, 400, "invalid_input"),
    ],
    ids=str,
)
def test_jobs_from_blobs_are_checked_as_closely(shared: Bridge, shared_home: Path, change, status, code):
    image = {"dtype": "uint8", "shape": [4, 4, 3], "offset": 0, "length": 48}
    message = {"generator": "rehearsal", "prompt": "0 0", "image": image}
    body = {"protocol": [1, 0], "type": "GenerateRequest", "message": message, "blobs": [], **change}
    answer = call(shared_home, "POST", "/v1/jobs", json.dumps(body).encode(), Content_Type="application/json")
    assert (answer[0], answer[1]["code"]) == (status, code)


def test_a_blob_is_what_it_is_called(shared: Bridge, shared_home: Path):
    wrong = "0" * 64
    answer = call(shared_home, "PUT", f"/v1/blobs/{wrong}", b"x", Content_Type="application/octet-stream")
    assert (answer[0], answer[1]["code"]) == (400, "wrong_hash")
    assert call(shared_home, "HEAD", f"/v1/blobs/{wrong}")[0] == 404


def test_a_result_is_asked_for_by_its_etag(shared: Bridge, shared_home: Path):
    path = f"/v1/jobs/{done(shared_home, seed=8)}/result"
    status, data, headers = call(shared_home, "GET", path)
    etag = f'"{hashlib.sha256(data).hexdigest()}"'
    assert (status, headers["etag"], headers["content-type"]) == (200, etag, "application/octet-stream")
    assert call(shared_home, "GET", path, If_None_Match=etag)[:2] == (304, b"")
    assert call(shared_home, "GET", path, If_None_Match=f'"x", W/{etag}')[0] == 304
    assert call(shared_home, "GET", path, If_None_Match='"x"')[0] == 200
    status, nothing, head = call(shared_home, "HEAD", path)
    assert (status, nothing, head["content-length"], head["etag"]) == (200, b"", str(len(data)), etag)


@pytest.mark.parametrize("ranges", ["bytes=0-3", "bytes=" + ",".join(["0-"] * 1000), "bytes=-1", "lines=1-"])
def test_ranges_are_ignored(shared: Bridge, shared_home: Path, ranges: str):
    path = f"/v1/jobs/{done(shared_home)}/result"
    status, data, headers = call(shared_home, "GET", path, Range=ranges)
    assert (status, len(data)) == (200, int(headers["content-length"]))
    assert "accept-ranges" not in headers


def test_jobs_are_listed_the_newest_first(shared: Bridge, shared_home: Path):
    jobs = [done(shared_home) for _ in range(3)]
    listed = from_json(JobList, call(shared_home, "GET", "/v1/jobs")[1])
    assert [one.id for one in listed.jobs[:3]] == jobs[::-1]
    assert listed.jobs[0].event.state == "succeeded"


def test_interactive_jobs_overtake_batches_and_late_ones_expire(shared: Bridge, shared_home: Path):
    first = post(shared_home, rehearsal("6 0.05"))[1]["id"]
    until(lambda: call(shared_home, "GET", f"/v1/jobs/{first}")[1]["event"]["state"] == "running")
    batch = post(shared_home, rehearsal("4 0.05"), **{"X-SegAddon-Priority": "batch"})[1]["id"]
    late = post(shared_home, rehearsal(), **{"X-SegAddon-Deadline": "0.05", "X-SegAddon-Priority": "batch"})[1]["id"]
    quick = post(shared_home, rehearsal())[1]["id"]
    assert ended(shared_home, quick)["state"] == "succeeded"
    assert call(shared_home, "GET", f"/v1/jobs/{batch}")[1]["event"]["state"] != "succeeded"
    assert call(shared_home, "GET", f"/v1/jobs/{late}")[1]["event"]["state"] == "expired"
    assert ended(shared_home, batch)["state"] == "succeeded"


def test_a_job_shows_how_its_picture_looks(shared: Bridge, shared_home: Path):
    job = post(shared_home, rehearsal("40 0.05 shown", seed=7))[1]["id"]
    path = f"/v1/jobs/{job}/preview"
    until(lambda: call(shared_home, "GET", path)[0] in (200, 204))
    status, data, _ = until(lambda: (answer := call(shared_home, "GET", path))[0] == 200 and answer, 2)
    shown = read_body(data).message(JobPreview)
    assert (status, shown.steps, read_body(data).array(shown.image).shape[2]) == (200, 40, 3)
    call(shared_home, "DELETE", f"/v1/jobs/{job}")
    ended(shared_home, job)
    assert call(shared_home, "GET", path)[:2] == (204, b"")


def test_memory_is_lent_and_taken_back(shared: Bridge, shared_home: Path):
    done(shared_home)
    assert call(shared_home, "POST", "/v1/memory/pause")[0] == 202
    job = post(shared_home, rehearsal())[1]["id"]
    assert call(shared_home, "GET", f"/v1/jobs/{job}")[1]["event"]["state"] == "queued"
    assert call(shared_home, "POST", "/v1/memory/resume")[0] == 202
    assert ended(shared_home, job)["state"] == "succeeded"
    assert call(shared_home, "POST", "/v1/memory/free")[0] == 202
    assert shared.info().worker_pid == 0


def test_models_are_loaded_and_unloaded_by_name(shared: Bridge, shared_home: Path):
    for order in ("load", "unload"):
        assert call(shared_home, "POST", f"/v1/models/rehearsal/{order}")[0] == 202
        status, problem, _ = call(shared_home, "POST", f"/v1/models/sdxl/{order}")
        assert (status, problem["code"]) == (404, "no_such_model")
        assert "preview" in problem["hints"][0]


def test_the_document_describes_every_route_and_only_real_ones(shared: Bridge, shared_home: Path):
    status, document, _ = call(shared_home, "GET", "/v1/openapi.json")
    assert status == 200
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(one.method, one.path) for one in ENDPOINTS}
    schemas = document["components"]["schemas"]
    for reference in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)):
        assert reference in schemas
    for operation in (one for methods in document["paths"].values() for one in methods.values()):
        assert operation["summary"]
        assert operation["responses"]
    values = {"id": "0" * 32, "sha256": "0" * 64, "name": "none"}
    for method, path in described - {("POST", "/v1/shutdown")}:
        answer = call(shared_home, method, re.sub(r"{(\w+)}", lambda found: values[found[1]], path))
        if method == "HEAD":
            continue
        code = answer[1].get("code", "") if isinstance(answer[1], dict) else ""
        assert code not in ("no_such_route", "no_such_method", "internal"), (method, path)


def test_the_document_is_valid(shared: Bridge, shared_home: Path):
    document = call(shared_home, "GET", "/v1/openapi.json")[1]
    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    assert len([one.ok() for one in schema.get_all_operations()]) == len(ENDPOINTS)
