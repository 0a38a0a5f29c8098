"""The OpenAPI 3.1 document: made from the table of routes and the message classes, so that it cannot drift."""

from __future__ import annotations

import http
import inspect
import re
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import TypeAdapter

from blender_segaddon.protocol.headers import PROTOCOL_HEADER
from blender_segaddon.protocol.messages import Problem
from blender_segaddon.protocol.version import PROTOCOL_VERSION

from .problems import MEDIA_TYPE
from .routes.endpoint import Endpoint, Header
from .validation import adapter

ALWAYS = (400, 401, 403, 404, 405, 411, 414, 415, 421, 500, 503)
"""Problems that every path may answer, as application/problem+json."""

_ABOUT = """Local server that turns maps of a 3D scene into pictures.

Who may call: the user whose server it is. Every request needs the bearer token and the server's own name as Host; a
request with an Origin is refused, and so is a body without Content-Length. Arrays travel in framed bodies
(application/octet-stream): u32 little-endian length of the header, the header as JSON ({"protocol": [major, minor],
"type": class, "message": fields}, filled up with spaces), then the buffers, each at a multiple of 16 bytes."""

_HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_PARAMETERS = {
    "id": ("id of a job", {"type": "string", "pattern": "^[0-9a-f]{32}$"}),
    "sha256": ("SHA-256 of the blob", _HASH),
    "name": ("name of a model, as /v1/info lists it", {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,80}$"}),
}


def describe(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The document as plain JSON values."""
    endpoints = tuple(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "SegAddon bridge server", "version": _version(), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas(endpoints),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {"Problem": {"description": "A problem (RFC 9457)", "content": _problem_content()}},
        },
    }


def _version() -> str:
    return ".".join(map(str, PROTOCOL_VERSION))


def _operation(one: Endpoint) -> dict[str, Any]:
    summary, _, description = (inspect.getdoc(one.handler) or "").partition("\n")
    operation: dict[str, Any] = {
        "operationId": f"{one.method.lower()}{re.sub(r'[^a-z0-9]+', '_', one.path.removeprefix('/v1'))}".rstrip("_"),
        "summary": summary.rstrip("."),
        "parameters": [*_path_parameters(one), *(_header(header) for header in one.headers)],
        "responses": _responses(one),
    }
    if description.strip():
        operation["description"] = " ".join(description.split())
    if one.takes:
        content = {media: {"schema": _schema(cls)} for media, cls in one.takes}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _path_parameters(one: Endpoint) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", one.path):
        text, schema = _PARAMETERS[name]
        yield {"name": name, "in": "path", "required": True, "description": text, "schema": schema}


def _header(header: Header) -> dict[str, Any]:
    return {"name": header.name, "in": "header", "description": header.text, "schema": header.schema}


def _responses(one: Endpoint) -> dict[str, Any]:
    responses = {str(status): _success(one, status) for status in (one.status, *one.also) if status < 400}
    problems = sorted({*ALWAYS, *(status for status in one.also if status >= 400)})
    return responses | {str(status): {"$ref": "#/components/responses/Problem"} for status in problems}


def _success(one: Endpoint, status: int) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": http.HTTPStatus(status).phrase,
        "headers": {PROTOCOL_HEADER: {"description": "major.minor of the server", "schema": {"type": "string"}}},
    }
    if status == one.status and one.reply is not None:
        media, cls = (one.reply, None) if isinstance(one.reply, str) else ("application/json", one.reply)
        described["content"] = {media: {"schema": _schema(cls) if media == "application/json" else _TEXT}}
    return described


_TEXT = {"type": "string"}


def _schema(cls: type | None) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{cls.__name__}"} if cls else {}


def _problem_content() -> dict[str, Any]:
    return {MEDIA_TYPE: {"schema": _schema(Problem)}}


def _schemas(endpoints: tuple[Endpoint, ...]) -> dict[str, Any]:
    """The message classes that the routes name, and those inside them."""
    classes = {one.reply for one in endpoints if isinstance(one.reply, type)}
    classes |= {cls for one in endpoints for _, cls in one.takes if cls}
    named = sorted(classes | {Problem}, key=lambda cls: cls.__name__)
    inputs: list[tuple[str, Literal["validation"], TypeAdapter[Any]]] = [
        (cls.__name__, "validation", adapter(cls)) for cls in named
    ]
    _, schema = TypeAdapter.json_schemas(inputs, ref_template="#/components/schemas/{model}")
    return schema["$defs"]
