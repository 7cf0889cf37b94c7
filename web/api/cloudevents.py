"""What a sender calls its delivery: CloudEvents in both modes, or a bare payload."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from werkzeug.datastructures import Headers

from pipeline_engine.services import load_json
from pipeline_engine.services.inbox import Arrival

from .bodies import InvalidRequest

BARE_SOURCE = "events"
LONGEST_NAME = 255
#: where the id of a waiting step stands in a bare payload
BARE_FIELDS = frozenset({"workflow_id", "payload", "notification_metadata"})


def arrival(body: dict[str, Any], headers: Headers, *, most: int) -> Arrival:
    """*body* as a delivery. The same id with the same content counts once."""
    enveloped = is_enveloped(body)
    source = headers.get("ce-source") or (body.get("source") if enveloped else None)
    return Arrival(
        source=_name(source) or BARE_SOURCE,
        body=payload_of(body, most=most) if enveloped else body,
        delivery_id=_name(headers.get("ce-id") or body.get("id")),
        event_type=_name(headers.get("ce-type") or (body.get("type") if enveloped else None)),
    )


def is_enveloped(body: Mapping[str, Any]) -> bool:
    """Tell whether *body* is a structured CloudEvent, if only a rough one."""
    if "specversion" in body:
        return True
    return isinstance(body.get("data"), dict) and BARE_FIELDS.isdisjoint(body)


def payload_of(body: Mapping[str, Any], *, most: int) -> dict[str, Any]:
    """The payload of a CloudEvent: JSON, JSON in a text, or JSON in base64."""
    payload = body.get("data")
    if payload is None and isinstance(body.get("data_base64"), str):
        payload = _decoded(body["data_base64"])
    if isinstance(payload, str):
        payload = load_json(payload.encode(), max_bytes=most)
    if not isinstance(payload, dict):
        raise InvalidRequest("The data of a CloudEvent has to be a JSON object.")
    return payload


def _decoded(encoded: str) -> str:
    try:
        return b64decode(encoded, validate=True).decode()
    except ValueError as error:
        raise InvalidRequest("data_base64 is not text in base64.") from error


def _name(given: object) -> str | None:
    """A name of limited length: that of its source becomes part of an index."""
    if given is None or given == "" or isinstance(given, dict | list):
        return None
    name = str(given)
    return name if len(name) <= LONGEST_NAME else f"sha256:{sha256(name.encode()).hexdigest()}"
