"""What somebody wants to be told, and what is wrong with that."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pipeline_engine.domain.issues import Issue, join
from pipeline_engine.domain.subscriptions import (
    REFERENCE_TYPES,
    TOPIC,
    TOPIC_RULE,
    Format,
    Target,
    TargetType,
)
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk.addresses import AddressGuard
from pipeline_engine.sdk.errors import ActionError
from pipeline_engine.sdk.services import CALLBACK_TOPIC
from pipeline_engine.storage.tables.events import EventType
from pipeline_engine.storage.tables.subscriptions import Subscription

EVENT_TYPES = tuple(EventType)
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a subscription is to be; what is not *said* stays as it is."""

    name: str | None = None
    execution_id: UUID | None = None
    pipeline: str | None = None  #: its id or its name
    event_types: list[str] | None = None
    target: Target | None = None
    format: Format | None = None
    expires_at: datetime | None = None
    said: frozenset[str] = frozenset()


def problems_of(wish: Wish, runtime: Runtime, found: Subscription | None) -> list[Issue]:
    """What is wrong with a wish; *found* is the subscription that it would change."""
    return [*_problems(wish, runtime, found)]


def _problems(wish: Wish, runtime: Runtime, found: Subscription | None) -> Iterator[Issue]:
    if wish.execution_id is not None and wish.pipeline is not None:
        yield Issue("/pipeline_id", "contradiction", "One execution, or all of a pipeline.")
    if wish.expires_at is not None and wish.expires_at <= datetime.now(UTC):
        yield Issue("/expires_at", "in_the_past", "That is in the past.")
    if wish.target is not None:
        yield from _of_target(wish.target, runtime)
    form = wish.format or Format(found.format if found else Format.EVENT)
    types = wish.event_types
    if types is None and found is not None and "event_types" not in wish.said:
        types = found.event_types  # they have to be words of another form, too
    yield from _of_types(form, types or [])


def _of_types(form: Format, types: list[str]) -> Iterator[Issue]:
    known = EVENT_TYPES if form is Format.EVENT else tuple(REFERENCE_TYPES)
    for number, word in enumerate(types):
        if word not in known:
            hint = f"Of the form {form}: {', '.join(known)}."
            text = f"There is no event {word!r}."
            yield Issue(join("/event_types", number), "unknown_event_type", text, hint)


def _of_target(target: Target, runtime: Runtime) -> Iterator[Issue]:
    pointer = f"/target/{target.type.word}"
    if target.type is TargetType.HTTP:
        yield from _of_url(pointer, target.address, runtime)
        return
    if not TOPIC.fullmatch(target.address):
        yield Issue(pointer, "invalid_name", TOPIC_RULE)
    if target.type is TargetType.DAPR and not runtime.settings.dapr_http_endpoint:
        yield Issue("/target/type", "no_sidecar", "There is no sidecar (DAPR_HTTP_ENDPOINT).")
    if target.type is TargetType.DAPR and target.address == CALLBACK_TOPIC:
        # What is published there comes back as an event for waiting steps.
        yield Issue(pointer, "not_allowed", "The engine itself listens to this topic.")


def _of_url(pointer: str, url: str, runtime: Runtime) -> Iterator[Issue]:
    """A name is looked up when something is sent; what is an address already can be told now."""
    guard = runtime.peers.guard
    try:
        guard.check_url(url)
        _check_address(guard, url)
    except ActionError as error:
        yield Issue(pointer, "url_not_allowed", str(error))


def _check_address(guard: AddressGuard, url: str) -> None:
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    # In any spelling of a number, such as 127.1, and without asking anybody.
    numeric: Any = partial(socket.getaddrinfo, flags=socket.AI_NUMERICHOST)
    try:
        replace(guard, look_up=numeric).resolve(host, port)
    except (socket.gaierror, UnicodeError):
        return  # it is a name
