"""Nobody overwrites what they have not seen: versions as ETag and If-Match."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import request

from pipeline_engine.errors import PipelineEngineError, VersionMismatch


class IfMatchRequired(PipelineEngineError):
    """Say which version you change: If-Match with the ETag, or lock_version in the body."""

    code = "if_match_required"


class IfMatchFailed(PipelineEngineError):
    """If-Match names another version than the present one."""

    code = "if_match_failed"


def etag(lock_version: int) -> dict[str, str]:
    """The header that tells a client which version it has."""
    return {"ETag": f'"{lock_version}"'}


@contextmanager
def expected_version(lock_version: int | None) -> Iterator[int | None]:
    """The version that the client believes in; null (``If-Match: *``) is any.

    The header goes before *lock_version* of the body. If it does not fit, the answer is the
    header's own 412, not 409.
    """
    if "If-Match" not in request.headers:
        if lock_version is None:
            raise IfMatchRequired
        yield lock_version
        return
    try:
        yield None if request.if_match.star_tag else _version_in_header()
    except VersionMismatch as mismatch:
        raise IfMatchFailed(str(mismatch)) from mismatch


def _version_in_header() -> int:
    tags = request.if_match.as_set()  # strong tags only, as If-Match asks
    if len(tags) == 1 and (tag := tags.pop()).isdecimal():
        return int(tag)
    raise IfMatchFailed("If-Match has to name one ETag of this pipeline.")
