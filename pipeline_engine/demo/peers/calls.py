"""A request to a stand-in, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: the ids in its path, its JSON body, its query and its idempotency key."""

    method: str = "GET"
    path: str = ""
    ids: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    #: the execution that it comes from
    execution_id: str | None = None

    @property
    def identity(self) -> str:
        """The id in the path."""
        return self.ids[0]

    def begins(self, beginning: str) -> bool:
        """Whether its path begins so, with or without its method, and its execution before that."""
        told = f"{self.method} {self.path}"
        whole = (self.path, told, f"{self.execution_id} {told}")
        return any(one.startswith(beginning) for one in whole)

    @property
    def writes(self) -> bool:
        """Whether it changes something at a peer."""
        return self.method != "GET" and not self.path.startswith("/control")


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a JSON body."""

    status: HTTPStatus
    body: Mapping[str, Any]


def ok(body: Mapping[str, Any]) -> Answer:
    """What was asked."""
    return Answer(HTTPStatus.OK, body)


def refusal(status: HTTPStatus, detail: str) -> Answer:
    """Why it is refused."""
    return Answer(status, {"detail": detail})


def not_found(noun: str, identity: str) -> Answer:
    """There is no such thing."""
    return refusal(HTTPStatus.NOT_FOUND, f"{noun} {identity} not found")


def unusable(detail: str) -> Answer:
    """The body makes no sense."""
    return refusal(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
