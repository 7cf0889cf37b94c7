"""The one form in which errors are sent (RFC 9457); no framework is needed to write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

PROBLEM_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong, for programs (``code``, ``issues``) and for people (``title``, ``detail``).

    ``errors.md`` has a line for each ``code``.
    """

    status: HTTPStatus
    code: str
    title: str
    detail: str
    issues: Sequence[dict[str, Any]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)  #: further members

    def document(self, *, path: str, correlation_id: str) -> dict[str, Any]:
        """The body of an answer to a request for *path*."""
        return {
            "type": f"urn:pipeline-engine:error:{self.code}",
            "title": self.title,
            "status": self.status.value,
            "detail": self.detail,
            "instance": path,
            "code": self.code,
            "errors": list(self.issues),
            "correlation_id": correlation_id,
            **self.facts,
        }


#: Python has renamed these, and a code is stable.
PHRASES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large",
    HTTPStatus.REQUEST_URI_TOO_LONG: "URI Too Long",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Entity",
}


def of_http(status: HTTPStatus, detail: str) -> Problem:
    """A problem that HTTP itself has a name for: 404 is ``not_found``."""
    phrase = PHRASES.get(status, status.phrase)
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    return Problem(status=status, code=code, title=phrase, detail=detail)


UNEXPECTED = Problem(
    status=HTTPStatus.INTERNAL_SERVER_ERROR,
    code="internal_error",
    title="Something went wrong on our side.",
    detail="The correlation id of this answer finds the cause in the log.",
)
