"""What is sent: the params of a step as a request, or a reason why that cannot be sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict

from pipeline_engine.sdk import ActionContext, InvalidActionParams

from .auth import credentials_of
from .bodies import body_of
from .query import names_in, pairs_of, with_query

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SCHEMES = ("http://", "https://")

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
UNSENDABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
#: These say how the message travels; a second one would let an author smuggle a request.
RESERVED_HEADERS = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer"}
    | {"transfer-encoding", "upgrade"}
)


def request_of(context: ActionContext, params: Mapping[str, Any]) -> requests.Request:
    """Return the request that *params* of the action say. Raises ``InvalidActionParams``."""
    url, method = str(params.get("url") or ""), str(params.get("method") or "GET").upper()
    if not url:
        raise InvalidActionParams("url is required")
    if method not in METHODS:
        raise InvalidActionParams(f"method must be one of {', '.join(METHODS)}")
    headers = checked_headers(params.get("headers") or {})
    body = body_of(context, params, method, headers.get("Content-Type"))
    if body.content_type and "content-type" not in headers:
        _check_header("Content-Type", body.content_type)
        headers["Content-Type"] = body.content_type
    if params.get("response") == "json":
        headers.setdefault("Accept", "application/json")
    request = requests.Request(method, url, headers=headers, data=body.data)
    if body.parts:
        request.files = list(body.parts)
    _add_query(context, params, request)
    identify(context, params, request)
    return request


def identify(context: ActionContext, params: Mapping[str, Any], request: requests.Request) -> None:
    """Put the credentials of *params* into *request*, if they say any."""
    credentials = credentials_of(context, params)
    if credentials is None:
        return
    name, value = credentials.name, credentials.value
    if credentials.in_query:
        if name in names_in(request.url):
            raise InvalidActionParams(f"auth: the query has {name} already")
        request.url = with_query(request.url, [(name, value)])
        return
    if name in request.headers:
        raise InvalidActionParams(f"auth: the headers have {name} already")
    _check_header(name, value)
    request.headers[name] = value


def _add_query(
    context: ActionContext, params: Mapping[str, Any], request: requests.Request
) -> None:
    given = params.get("query")
    if given is None:
        return
    before = request.url
    request.url = with_query(before, pairs_of(given, "query"))
    if request.url != before:
        context.keep_secret(request.url.partition("?")[2], given)


def checked_headers(headers: Any) -> CaseInsensitiveDict[str]:
    """Return what can be sent of *headers*. Raises ``InvalidActionParams`` for what cannot."""
    if not isinstance(headers, dict):
        raise InvalidActionParams("headers must be an object")
    checked: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for name, value in headers.items():
        _check_header(name, value)
        if name in checked:
            raise InvalidActionParams(f"the header {name} is given twice")
        if value is not None:
            checked[name] = _header_text(value)
    return checked


def _check_header(name: str, value: Any) -> None:
    if not TOKEN.fullmatch(name) or isinstance(value, dict | list):
        raise InvalidActionParams(f"{name!r} is not a header that can be sent")
    if any(character in "\r\n\0" for character in str(value)):
        raise InvalidActionParams(f"the value of {name} holds a line break")
    if UNSENDABLE.search(str(value)):
        raise InvalidActionParams(f"the value of {name} holds what no header can carry")
    if name.lower() in RESERVED_HEADERS or name.lower().startswith("proxy-"):
        raise InvalidActionParams(f"{name} is set by the engine")


def _header_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip(" \t")
