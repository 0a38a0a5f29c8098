"""Models and memory of the worker, and the server's end."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from .. import generators
from ..problems import ProblemError
from .endpoint import Endpoint
from .service import service_of


async def load(request: Request) -> Response:
    """Load a model, so that the next job finds it ready.

    The reply comes at once; the worker loads after the running job.
    """
    service = service_of(request)
    await service.runner.load(_model(request))
    return Response(status_code=202)


async def unload(request: Request) -> Response:
    """Give back the memory of one model, after the running job."""
    service = service_of(request)
    await service.runner.unload(_model(request))
    return Response(status_code=202)


async def free(request: Request) -> Response:
    """Free the GPU now: every model is unloaded; a running job goes on once it has what it needs again."""
    await service_of(request).runner.free()
    return Response(status_code=202)


async def pause(request: Request) -> Response:
    """Yield the memory and begin no job until /v1/memory/resume: Blender renders on the GPU."""
    await service_of(request).runner.pause()
    return Response(status_code=202)


async def resume(request: Request) -> Response:
    """Take the memory back and go on."""
    await service_of(request).runner.resume()
    return Response(status_code=202)


async def shutdown(request: Request) -> Response:
    """End the server.

    New jobs are refused with 503. The running job may end within drain_seconds; what has not ended is kept on disk and
    run by the next server.
    """
    service_of(request).stop()
    return Response(status_code=202)


def _model(request: Request) -> str:
    name = request.path_params["name"]
    offered = [one.name for one in generators.offered(service_of(request).settings.test_generator)]
    if name not in offered:
        hint = f"Choose one of: {', '.join(offered)}"
        raise ProblemError(404, "no_such_model", f"There is no model {name!r:.80}", hint)
    return name


ENDPOINTS = (
    Endpoint("POST", "/v1/models/{name}/load", load, 202, also=(404,)),
    Endpoint("POST", "/v1/models/{name}/unload", unload, 202, also=(404,)),
    Endpoint("POST", "/v1/memory/free", free, 202),
    Endpoint("POST", "/v1/memory/pause", pause, 202),
    Endpoint("POST", "/v1/memory/resume", resume, 202),
    Endpoint("POST", "/v1/shutdown", shutdown, 202),
)
