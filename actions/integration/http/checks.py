"""What can be seen in params before a step runs; what holds a template is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pipeline_engine.sdk import InvalidActionParams, holds_template, is_templated

from .auth import AUTHORIZATION, checked_auth
from .bodies import given_bodies, parts_of, raw_of
from .pages import checked_plan
from .query import pairs_of
from .request import METHODS, SCHEMES
from .statuses import read_expected, read_statuses

#: How each param is read when the step runs; what that refuses is refused before.
READ: Mapping[str, Callable[[Any], object]] = {
    "auth": checked_auth,
    "query": lambda given: pairs_of(given, "query"),
    "form": lambda given: pairs_of(given, "form"),
    "multipart": parts_of,
    "raw_body": raw_of,
    "expected_status": read_expected,
    "retry_statuses": lambda given: read_statuses(given, "retry_statuses"),
}


def problems_of(params: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the params of ``http_request``, in words."""
    return [*_address_problems(params), *_value_problems(params), *_contradictions(params)]


def _address_problems(params: Mapping[str, Any]) -> Iterator[str]:
    url, method = params.get("url"), params.get("method", "GET")
    if not url:
        yield "url is required"
    elif not is_templated(url) and not str(url).lower().startswith(SCHEMES):
        yield "url must start with http:// or https://"
    if not is_templated(method) and str(method).upper() not in METHODS:
        yield f"method must be one of {', '.join(METHODS)}"


def _value_problems(params: Mapping[str, Any]) -> Iterator[str]:
    for name, read in READ.items():
        given = params.get(name)
        if given not in (None, "") and not holds_template(given):
            yield from _refusal(read, given)
    if params.get("paginate") is not None:
        yield from _refusal(checked_plan, params["paginate"])


def _refusal(read: Callable[[Any], object], given: Any) -> Iterator[str]:
    try:
        read(given)
    except InvalidActionParams as error:
        yield str(error)


def _contradictions(params: Mapping[str, Any]) -> Iterator[str]:
    bodies = given_bodies(params)
    if len(bodies) > 1:
        yield f"only one of {' and '.join(bodies)} can be sent"
    if params.get("include_metadata") is True and bodies not in ([], ["body"]):
        yield "include_metadata needs a body that is an object"
    headers, auth = params.get("headers"), params.get("auth")
    if isinstance(headers, Mapping) and isinstance(auth, Mapping) and _set_by(auth, headers):
        yield f"auth: the headers have {_set_by(auth, headers)} already"
    if params.get("paginate") is None:
        return
    if params.get("wait_for_callback") is True:
        yield "paginate and wait_for_callback exclude each other"
    if params.get("response") not in (None, "auto", "json"):
        yield "paginate reads answers as JSON, so response cannot say otherwise"


def _set_by(auth: Mapping[str, Any], headers: Mapping[str, Any]) -> str | None:
    """Return the header that both set."""
    kind = auth.get("type")
    name = auth.get("name") if kind == "header" else AUTHORIZATION
    if kind not in ("bearer", "basic", "header"):
        return None
    return next((one for one in headers if one.lower() == str(name).lower()), None)
