"""Where a request comes from."""

from __future__ import annotations

from flask import request

from pipeline_engine.services import Origin

from .headers import correlation_id


def origin() -> Origin:
    """The client's address, as far as the proxies in front are believed, and the request's name."""
    return Origin(address=request.remote_addr, request_id=correlation_id())
