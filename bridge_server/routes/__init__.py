"""The routes under /v1: thin, each answers from the job queue or the runner. ``ENDPOINTS`` is the whole table."""

from __future__ import annotations

from . import blobs, control, document, jobs, presence, segmenting, status

_PARTS = (status, presence, document, blobs, jobs, segmenting, control)
ENDPOINTS = tuple(endpoint for part in _PARTS for endpoint in part.ENDPOINTS)
