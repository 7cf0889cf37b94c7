"""What may be said to any parked step, whatever its action: that it is done, or has failed …"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipeline_engine.domain.states import StepStatus
from pipeline_engine.errors import InvalidAnswer
from pipeline_engine.sdk.results import EventAction, EventResult

ACTION = "action"
#: How an answer is delivered, and who gave it; allowed with each.
ENVELOPE = frozenset({ACTION, "id", "source", "type", "workflow_id", "event_key", "by", "comment"})
FIELDS: Mapping[str, frozenset[str]] = {
    "complete": frozenset({"outputs"}),
    "fail": frozenset({"outputs", "error"}),
    "revoke": frozenset({"reason"}),
    "progress": frozenset({"outputs", "progress", "eta_seconds", "eta_minutes"}),
}
NEWS = ("progress", "eta_seconds", "eta_minutes")
LONGEST_CODE = 100


def read_answer(body: Mapping[str, Any]) -> EventResult | None:
    """What the ``action`` of *body* says; None if it has none.

    ``complete`` with ``outputs``, ``fail`` with ``error`` (a text, or ``{message, code}``) and
    ``outputs``, ``progress`` with ``progress`` (0 to 100), ``eta_seconds`` (or ``eta_minutes``)
    and ``outputs``, or ``revoke`` with ``reason``. Raises ``InvalidAnswer`` with every problem.
    """
    if ACTION not in body:
        return None
    problems = list(_problems(body))
    if problems:
        raise InvalidAnswer(f"{len(problems)} problem(s) in the answer.", problems=problems)
    return _READ[body[ACTION]](body)


def _completed(body: Mapping[str, Any]) -> EventResult:
    outputs = dict(body.get("outputs") or {})
    return EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED, outputs=outputs)


def _failed(body: Mapping[str, Any]) -> EventResult:
    error = body.get("error")
    told = error if isinstance(error, Mapping) else {"message": error}
    return EventResult(
        action=EventAction.COMPLETE,
        status=StepStatus.FAILED,
        outputs=dict(body.get("outputs") or {}),
        error=told.get("message"),
        error_code=told.get("code"),
    )


def _further(body: Mapping[str, Any]) -> EventResult:
    seconds, minutes = body.get("eta_seconds"), body.get("eta_minutes")
    return EventResult(
        action=EventAction.UPDATE_PROGRESS,
        outputs=dict(body.get("outputs") or {}),
        progress=body.get("progress"),
        eta_seconds=seconds,
        eta_minutes=None if minutes is None else int(minutes),
    )


def _revoked(body: Mapping[str, Any]) -> EventResult:
    return EventResult(action=EventAction.REVOKE, error=body.get("reason"))


_READ: Mapping[str, Callable[[Mapping[str, Any]], EventResult]] = {
    "complete": _completed,
    "fail": _failed,
    "progress": _further,
    "revoke": _revoked,
}


# ── What is wrong with one ───────────────────────────────────────────────────────────────


def _problems(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    action = body[ACTION]
    if not isinstance(action, str) or action not in FIELDS:
        yield problem(f"/{ACTION}", f"The action has to be one of {', '.join(FIELDS)}.")
        return
    known = ENVELOPE | FIELDS[action]
    for name in body:
        if name not in known:
            pointer = "/" + str(name).replace("~", "~0").replace("/", "~1")
            wanted = ", ".join(sorted(FIELDS[action]))
            yield problem(pointer, f"{action} knows {wanted}, not this.", code="unknown_field")
    for name, (is_right, wanted) in _RULES.items():
        if body.get(name) is not None and not is_right(body[name]):
            yield problem(f"/{name}", f"Has to be {wanted}.")
    if action == "progress" and all(body.get(name) is None for name in NEWS):
        yield problem("/progress", "Say the progress, or eta_seconds.", code="required")


def problem(pointer: str, message: str, *, code: str = "invalid_value") -> dict[str, Any]:
    """Return one thing that is wrong with a body, for the ``problems`` of ``InvalidAnswer``.

    *pointer* is a JSON pointer (RFC 6901) into the body, *message* for people, *code* stable.
    """
    return {"pointer": pointer, "in": "body", "code": code, "message": message, "hint": None}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)  # type: ignore[arg-type]


def _is_percentage(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 100


def _is_span(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 2**31 / 60


def _is_eta(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 2**31


def _is_error(value: object) -> bool:
    if not isinstance(value, Mapping):
        return _is_text(value)
    message, code = value.get("message"), value.get("code")
    is_code = code is None or (isinstance(code, str) and 0 < len(code) <= LONGEST_CODE)
    return set(value) <= {"message", "code"} and _is_text(message) and is_code


_RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "outputs": (lambda value: isinstance(value, Mapping), "an object"),
    "error": (_is_error, "a text, or an object with message and perhaps code"),
    "reason": (_is_text, "a text"),
    "by": (_is_text, "a text"),
    "comment": (_is_text, "a text"),
    "progress": (_is_percentage, "a number from 0 to 100"),
    "eta_seconds": (_is_eta, "a number of seconds"),
    "eta_minutes": (_is_span, "a number of minutes"),
}
