"""The routes under /v1: thin, each answers from the job queue or the runner. ``ENDPOINTS`` is the whole table."""

from __future__ import annotations

from . import blobs, control, document, jobs, status

ENDPOINTS = (*status.ENDPOINTS, *document.ENDPOINTS, *blobs.ENDPOINTS, *jobs.ENDPOINTS, *control.ENDPOINTS)
