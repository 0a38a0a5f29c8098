"""The application: the routes, and the layers that every request passes on its way to them."""

from __future__ import annotations

from collections.abc import Collection

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from blender_segaddon.protocol.errors import SegAddonError

from . import problems, replies
from .problems import ProblemError
from .routes import ENDPOINTS
from .routes.endpoint import routes
from .routes.service import Service
from .security import Guard
from .usage import Usage

_HANDLED = (ProblemError, SegAddonError, HTTPException, ClientDisconnect, Exception)


def create_app(service: Service, usage: Usage, token: str, hosts: Collection[str]) -> ASGIApp:
    """The ASGI application.

    Args:
        usage: told of every request that the guard lets through.
        token: the bearer token.
        hosts: the names that the server goes by, with their ports.
    """
    app = Starlette(routes=routes(ENDPOINTS), exception_handlers={kind: problems.handle for kind in _HANDLED})
    app.router.redirect_slashes = False
    app.state.service = service
    guarded = Guard(usage.around(app), token, hosts)
    return replies.polite(service.metrics.around(guarded), service.settings.write_timeout)
