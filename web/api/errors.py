"""What HTTP makes of errors: one table, and one shape (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import structlog
from flask import Flask, Response, current_app, request
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from pipeline_engine import errors
from pipeline_engine.services import (
    JsonRejected,
    console_sessions,
    credentials,
    rate_limits,
    tokens,
)
from pipeline_engine.services.marketplace import refusals as marketplace
from pipeline_engine.services.pipelines import SystemPipelineReadOnly
from pipeline_engine.services.webhooks import refusals as webhooks
from pipeline_engine.services.webhooks.door import UnreadableBody

from ..problems import PROBLEM_TYPE, UNEXPECTED, Problem, of_http
from . import auth, cookies, headers, preconditions, recording
from .bodies import InvalidRequest

#: When it is worth while to try again, in seconds.
RETRY_AFTER = {HTTPStatus.SERVICE_UNAVAILABLE: "2", HTTPStatus.TOO_MANY_REQUESTS: "10"}
TOO_LARGE = "too_large"
#: What of the facts of an error its answer tells beside the text.
TOLD = ("quota", "limit", "used", "retry_after_seconds", "missing")
NOTHING: Mapping[str, Any] = MappingProxyType({})
#: SQLSTATEs of a database that answers and does not write, or has other tables than ours: no
#: right to, undefined table, read-only transaction, disk full.
UNWRITABLE = frozenset({"42501", "42P01", "25006", "53100"})

#: The only place that knows which error is which status. A class speaks for its subclasses.
STATUS: Mapping[type[errors.PipelineEngineError], HTTPStatus] = {
    errors.PipelineEngineError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.InvalidDefinition: HTTPStatus.BAD_REQUEST,
    errors.UnknownAction: HTTPStatus.BAD_REQUEST,
    errors.DraftNotExecutable: HTTPStatus.BAD_REQUEST,
    errors.ScheduleEnded: HTTPStatus.BAD_REQUEST,
    errors.PipelineArchived: HTTPStatus.CONFLICT,
    errors.InvalidExpression: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidParams: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidSchedule: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidEventTrigger: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidAlertRule: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyAlertRules: HTTPStatus.CONFLICT,
    errors.InvalidGuardrailStep: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidAction: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidSecret: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidSubscription: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PermissionDenied: HTTPStatus.FORBIDDEN,
    rate_limits.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.QuotaExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.InvalidCallbackToken: HTTPStatus.UNAUTHORIZED,
    errors.InvalidAnswer: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.AnswerNotAllowed: HTTPStatus.FORBIDDEN,
    errors.ExternalIdTooLong: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.PeerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.GuardrailPipelinesMissing: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IdentityUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    SystemPipelineReadOnly: HTTPStatus.FORBIDDEN,
    errors.AdministratorsOnly: HTTPStatus.FORBIDDEN,
    tokens.InvalidTokenRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    tokens.ScopeExceedsCaller: HTTPStatus.FORBIDDEN,
    JsonRejected: HTTPStatus.BAD_REQUEST,
    InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    preconditions.IfMatchRequired: HTTPStatus.PRECONDITION_REQUIRED,
    preconditions.IfMatchFailed: HTTPStatus.PRECONDITION_FAILED,
    auth.AuthenticationRequired: HTTPStatus.UNAUTHORIZED,
    auth.InsufficientScope: HTTPStatus.FORBIDDEN,
    errors.InvalidUserId: HTTPStatus.UNPROCESSABLE_ENTITY,
    auth.InvalidOwner: HTTPStatus.UNPROCESSABLE_ENTITY,
    auth.OwnerNotAllowed: HTTPStatus.FORBIDDEN,
    console_sessions.SessionEnded: HTTPStatus.UNAUTHORIZED,
    console_sessions.InvalidSignInLink: HTTPStatus.UNAUTHORIZED,
    cookies.CsrfFailed: HTTPStatus.FORBIDDEN,
    credentials.InvalidToken: HTTPStatus.UNAUTHORIZED,
    credentials.AuthenticationNotConfigured: HTTPStatus.FORBIDDEN,
    credentials.InvalidInternalToken: HTTPStatus.FORBIDDEN,
    webhooks.WebhookDisabled: HTTPStatus.FORBIDDEN,
    webhooks.AddressNotAllowed: HTTPStatus.FORBIDDEN,
    webhooks.InvalidWebhookSecret: HTTPStatus.UNAUTHORIZED,
    webhooks.PipelineGone: HTTPStatus.GONE,
    webhooks.InvalidWebhook: HTTPStatus.UNPROCESSABLE_ENTITY,
    marketplace.PackageNotFound: HTTPStatus.NOT_FOUND,
    marketplace.UnknownSource: HTTPStatus.NOT_FOUND,
    marketplace.AmbiguousPackage: HTTPStatus.CONFLICT,
    marketplace.MarketplaceUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    UnreadableBody: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    webhooks.DedupeKeyFailed: HTTPStatus.UNPROCESSABLE_ENTITY,
}

log = structlog.get_logger(__name__)


def install(app: Flask) -> None:
    """Answer every error, also those of Flask and of the database, as a problem."""
    app.register_error_handler(errors.PipelineEngineError, of_ours)
    for of_database in (DBAPIError, PoolTimeout):
        app.register_error_handler(of_database, _of_storage)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _unexpected)


def of(error: Exception) -> Response:
    """The problem that tells of *error*, whatever it is; of a redirect the redirect."""
    if isinstance(error, errors.PipelineEngineError):
        return of_ours(error)
    if isinstance(error, DBAPIError | PoolTimeout):
        return _of_storage(error)
    if isinstance(error, HTTPException):
        return current_app.make_response(_of_http(error))
    return _unexpected(error)


def status_of(error: errors.PipelineEngineError) -> HTTPStatus:
    """The status for *error*: that of the nearest class in the table."""
    if isinstance(error, JsonRejected) and getattr(error, "reason", None) == TOO_LARGE:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def of_ours(error: errors.PipelineEngineError) -> Response:
    """The problem that tells of *error*."""
    status = status_of(error)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unexpected(error)
    problem = Problem(
        status=status,
        code=error.code,
        title=(type(error).__doc__ or "").strip().partition("\n")[0],
        detail=str(error),
        issues=list(issues_of(error)),
        facts={name: error.facts[name] for name in TOLD if name in error.facts},
    )
    response = answer(problem, error.facts)
    if challenge := _challenge(error, status):
        response.headers["WWW-Authenticate"] = challenge
    pause = error.facts.get("retry_after_seconds", RETRY_AFTER.get(status))
    if pause is not None:
        response.headers["Retry-After"] = str(pause)
    return response


def _challenge(error: errors.PipelineEngineError, status: HTTPStatus) -> str | None:
    """What to prove oneself by (RFC 6750, section 3); never a scheme that browsers ask for."""
    if isinstance(error, auth.InsufficientScope):
        return f'Bearer error="{error.code}", scope="{error.facts["scope"]}"'
    if isinstance(error, credentials.InvalidToken):
        return f'Bearer error="{error.code}"'
    return "Bearer" if status is HTTPStatus.UNAUTHORIZED else None


def answer(problem: Problem, facts: Mapping[str, Any] = NOTHING) -> Response:
    """*problem* as the response to the present request; the *facts* are for the audit log."""
    recording.note(problem.code, facts)
    document = problem.document(path=request.path, correlation_id=headers.correlation_id())
    content = current_app.json.dumps(document)
    return Response(content, status=problem.status.value, content_type=PROBLEM_TYPE)


def issues_of(error: errors.PipelineEngineError) -> Iterator[dict[str, Any]]:
    """What is wrong in detail, where *error* knows it."""
    if isinstance(error, JsonRejected):
        reason = getattr(error, "reason", error.code)
        pointer = getattr(error, "pointer", "")
        yield {"pointer": pointer, "code": reason, "message": str(error), "hint": None}
    report = error.facts.get("report")
    found = report.errors if report is not None else error.facts.get("problems") or ()
    for issue in found:
        yield issue if isinstance(issue, dict) else issue_of(issue)


def issue_of(issue: Any) -> dict[str, Any]:
    """An issue of a definition or of params, as it is sent."""
    return {
        "pointer": issue.pointer,
        "code": issue.code,
        "message": issue.message,
        "hint": issue.hint,
    }


def is_storage_away(error: Exception) -> bool:
    """Tell whether the same request may succeed later: the database is away, busy or read-only."""
    away = isinstance(error, OperationalError | InterfaceError | PoolTimeout)
    is_broken = bool(getattr(error, "connection_invalidated", False))
    return away or is_broken or _sqlstate(error) in UNWRITABLE


def _sqlstate(error: Exception) -> str | None:
    found: str | None = getattr(getattr(error, "orig", None), "pgcode", None)
    return found


def _of_storage(error: Exception) -> Response:
    if not is_storage_away(error):
        return _unexpected(error)
    # Without the statement: its parameters are nobody's business.
    log.warning("storage_unavailable", error=str(getattr(error, "orig", None) or error))
    return of_ours(errors.StorageUnavailable())


def _of_http(error: HTTPException) -> Response | HTTPException:
    """Flask's and Werkzeug's own: 404, 405, 413, 415, 429 …"""
    if error.response is not None or (error.code or 500) < 400:
        return error  # a redirect is an answer, no problem
    status = HTTPStatus(error.code or 500)
    response = answer(of_http(status, error.description or ""))
    for name, value in error.get_headers():
        if name.lower() not in {"content-type", "content-length"}:
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    # The message may name tables or hosts: it goes to the log, the correlation id to the client.
    log.error("request_failed", path=request.path, exc_info=error)
    return answer(UNEXPECTED)
