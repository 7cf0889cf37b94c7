"""The whole exchange: it is sent, read, followed over its pages, and judged."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    ActionResult,
    ExpressionError,
    InvalidActionParams,
    RequestBlocked,
    reason_of,
    retry_after,
    timed,
)

from .answer import Answer
from .pages import Pages, plan_of
from .request import request_of
from .statuses import EXPECTED, RETRIED, Statuses, read_expected, read_statuses

TIMEOUT_SECONDS = 30
#: Seconds that a page is waited for, at most, when its server asks for a pause.
PATIENCE = 5.0
#: How often such a page is asked for.
TRIES = 3
NO_PAGES: Mapping[str, Any] = {"items": None, "pages": None, "more": None}


@dataclass
class Exchange:
    """One exchange, as far as it has come."""

    context: ActionContext
    params: Mapping[str, Any]
    answer: Answer = field(default_factory=Answer)
    pages: Pages | None = None

    @property
    def seconds(self) -> float:
        """How long all of it may take."""
        return float(self.params.get("timeout_seconds") or TIMEOUT_SECONDS)

    @property
    def expected(self) -> Statuses:
        """The statuses of a success."""
        given = self.params.get("expected_status")
        return read_expected(EXPECTED if given in (None, "") else given)

    @property
    def retried(self) -> Statuses:
        """Those after which another attempt may help."""
        given = self.params.get("retry_statuses")
        return read_statuses(RETRIED if given in (None, "") else given, "retry_statuses")

    def run(self) -> None:
        """Send the request, and those for further pages; what it raises leaves what came so far."""
        expected, request = self.expected, request_of(self.context, self.params)
        _ = self.retried  # an author hears of a wrong one before anything is sent
        if self.params.get("paginate") is not None:
            _refuse_pages_of_nothing(self.params)
            plan = plan_of(self.context, self.params["paginate"])
            self.pages = Pages(self.context, self.params, plan, request)
        with self.context.http_session() as session, timed(self.seconds) as call:
            following: requests.Request | None = request
            while following is not None:
                self._ask(session, following, call.expires_at)
                if self.pages is None or self.answer.status not in expected:
                    return
                following = self.pages.turn(self.answer, str(following.url))

    def _ask(self, session: requests.Session, request: requests.Request, until: float) -> None:
        for left in reversed(range(TRIES)):
            self.answer = Answer(str(self.params.get("response") or "auto"))
            seconds = max(until - time.monotonic(), 0.001)
            self.answer.receive(session, request, seconds=seconds, until=until)
            pause = self._pause(until) if left else None
            if pause is None:
                return
            time.sleep(pause)

    def _pause(self, until: float) -> float | None:
        """A short pause that the server of a further page asks for; None if it is to be judged.

        An attempt of its own would begin with the first page again, and meet the same limit.
        """
        if self.pages is None or not self.pages.count or self.answer.status in self.expected:
            return None
        if self.answer.status not in self.retried:
            return None
        pause = retry_after(self.answer.headers)
        fits = pause is not None and pause <= min(PATIENCE, until - time.monotonic())
        return pause if fits else None

    def outputs(self, *, failed: bool) -> dict[str, Any]:
        """The outputs, with the same keys however it has ended."""
        room = self.context.max_output_bytes
        if self.pages is None:
            return {**self.answer.outputs(room), **NO_PAGES}
        # The items have what is on the pages; of a failure the body says why.
        found = self.answer.outputs(room - self.pages.size, with_body=failed)
        return {**found, **self.pages.outputs()}


def _refuse_pages_of_nothing(params: Mapping[str, Any]) -> None:
    if params.get("wait_for_callback"):
        raise InvalidActionParams("paginate and wait_for_callback exclude each other")
    if params.get("response") not in (None, "auto", "json"):
        raise InvalidActionParams(
            "paginate reads answers as JSON, so response cannot say otherwise"
        )


def sent(context: ActionContext, params: Mapping[str, Any]) -> ActionResult:
    """Send what *params* of ``http_request`` say, and judge the status of the answer."""
    exchange = Exchange(context, params)
    try:
        with _in_words(exchange.seconds):
            exchange.run()
    except _Broken as broken:
        return _failed(exchange, broken)
    return _judged(exchange)


@dataclass
class _Broken(Exception):
    """It has not come to its end."""

    message: str
    error_code: str = "request_failed"
    retryable: bool = True


@contextmanager
def _in_words(seconds: float) -> Iterator[None]:
    try:
        yield
    except RequestBlocked as error:
        words = f"Request blocked (SSRF protection): {error}"
        raise _Broken(words, error.error_code, error.retryable) from error
    except ActionError as error:
        raise _Broken(f"Request failed: {error}", error.error_code, error.retryable) from error
    except ExpressionError as error:
        raise _Broken(f"paginate: {error}", error.code, retryable=False) from error
    except requests.Timeout as error:
        raise _Broken(f"Request timed out after {seconds:g}s") from error
    except (requests.RequestException, UnicodeError) as error:
        raise _Broken(f"Request failed: {reason_of(error)}") from error


def _failed(exchange: Exchange, broken: _Broken) -> ActionResult:
    return ActionResult(
        success=False,
        error=broken.message,
        error_code=broken.error_code,
        retryable=broken.retryable,
        outputs=exchange.outputs(failed=True),
    )


def _judged(exchange: Exchange) -> ActionResult:
    status = exchange.answer.status
    if status not in exchange.expected:
        outputs = exchange.outputs(failed=True)
        return ActionResult(
            success=False,
            error=f"HTTP {status}",
            error_code=f"http_{status}",
            retryable=status in exchange.retried,
            retry_after_seconds=retry_after(outputs["headers"]),
            outputs=outputs,
        )
    outputs = exchange.outputs(failed=False)
    form = outputs["body_format"]
    if exchange.answer.form == "json" and exchange.pages is None and form not in ("json", None):
        cut = " that could be kept: it is too large" if outputs["truncated"] else ""
        broken = _Broken(f"The answer is no JSON{cut}", "not_json", retryable=False)
        return _failed(exchange, broken)
    return ActionResult(success=True, outputs=outputs)
