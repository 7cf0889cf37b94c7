"""Nobody overwrites what they have not seen: versions as ETag and If-Match."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from flask import request

from pipeline_engine.errors import PipelineEngineError, VersionMismatch

#: What we write into an ETag; 0 is the version of what is not there yet.
OURS = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)


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
def versions_if_given() -> Iterator[frozenset[int] | None]:
    """The versions of If-Match, for what may be changed without having been read."""
    if "If-Match" not in request.headers:
        yield None
        return
    with expected_versions(None) as versions:
        yield versions


@contextmanager
def expected_versions(lock_version: int | None) -> Iterator[frozenset[int] | None]:
    """The versions that the client would change; null (``If-Match: *``) is any.

    The header goes before *lock_version* of the body. If it does not fit, the answer is the
    header's own 412, not 409.
    """
    if "If-Match" not in request.headers:
        if lock_version is None:
            raise IfMatchRequired
        yield frozenset({lock_version})
        return
    try:
        yield None if request.if_match.star_tag else _versions_in_header()
    except VersionMismatch as mismatch:
        raise IfMatchFailed(str(mismatch)) from mismatch


def _versions_in_header() -> frozenset[int]:
    """The versions in a list of ETags: strong ones only, as If-Match asks (RFC 9110, 13.1.1)."""
    versions = frozenset(int(tag) for tag in request.if_match.as_set() if OURS.fullmatch(tag))
    if not versions:
        raise IfMatchFailed("If-Match names no ETag that we have given.")
    return versions
