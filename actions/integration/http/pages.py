"""Answers that come in pages: which one is next, what is kept of each, and when it is enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson
import requests
from requests.utils import parse_header_links

from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    InvalidActionParams,
    is_templated,
    render_value,
)

from .answer import MAX_BYTES, Answer
from .query import encoded, names_in, pairs_of, with_query
from .request import identify

MOST_PAGES = 20
LARGEST_MOST = 1000
MEMBERS = ("next", "next_param", "items", "max_pages")
NEXT, ITEMS = "response.next_link", "response.body"
#: What may go to another origin; every other header may be a secret.
HARMLESS = frozenset({"accept", "accept-language"})


class PageRefused(ActionError):
    """The next page is none that may be asked for."""

    code = "page_refused"


class NoItems(ActionError):
    """A page has no list of items where the author expects one."""

    code = "no_items"


@dataclass(frozen=True)
class Plan:
    """How an author wants pages to be followed."""

    next: str
    items: str
    next_param: str | None = None
    max_pages: int = MOST_PAGES


def checked_plan(given: Any) -> Mapping[str, Any]:
    """Return ``paginate`` if it can be meant. Raises ``InvalidActionParams``."""
    if not isinstance(given, Mapping):
        raise InvalidActionParams("paginate must be an object")
    if unknown := sorted(set(given) - set(MEMBERS)):
        known = ", ".join(MEMBERS)
        raise InvalidActionParams(f"paginate knows {known}, not {', '.join(unknown)}")
    for name in ("next", "next_param", "items"):
        if given.get(name) is not None and (not isinstance(given[name], str) or not given[name]):
            raise InvalidActionParams(f"paginate: {name} must be a text")
    most = given.get("max_pages", MOST_PAGES)
    if not is_templated(most) and not _is_count(most):
        raise InvalidActionParams(f"paginate: max_pages must be from 1 to {LARGEST_MOST}")
    return given


def plan_of(context: ActionContext, given: Any) -> Plan:
    """Return the plan that ``paginate`` is; its expressions wait for an answer."""
    plan = checked_plan(given)
    known = {name: plan.get(name) for name in ("next_param", "max_pages")}
    known = render_value(known, context.scope)
    most = MOST_PAGES if known["max_pages"] is None else known["max_pages"]
    if not _is_count(most):
        raise InvalidActionParams(f"paginate: max_pages must be from 1 to {LARGEST_MOST}")
    return Plan(
        next=expression(plan.get("next") or NEXT),
        items=expression(plan.get("items") or ITEMS),
        next_param=known["next_param"] or None,
        max_pages=int(most),
    )


def expression(text: str) -> str:
    """Return a template; an expression may stand without braces, as a condition may."""
    return text if is_templated(text) else f"{{{{ {text} }}}}"


def _is_count(most: Any) -> bool:
    is_number = isinstance(most, int | float) and not isinstance(most, bool)
    return is_number and 1 <= most <= LARGEST_MOST and most == int(most)


@dataclass
class Pages:
    """The pages that were read so far."""

    context: ActionContext
    params: Mapping[str, Any]
    plan: Plan
    first: requests.Request
    items: list[Any] = field(default_factory=list)
    size: int = 0  #: bytes of the items as JSON
    count: int = 0
    more: bool = False  #: whether a bound has ended it, and not the last page
    seen: set[str] = field(default_factory=set)

    def turn(self, answer: Answer, url: str) -> requests.Request | None:
        """Keep what is on this page, and return the request for the next one; None ends it."""
        self.seen.add(url)
        self.count += 1
        scope = self.context.scope_with(response=_told(answer, url))
        if not self._keep(render_value(self.plan.items, scope)):
            self.more = True
            return None
        found = render_value(self.plan.next, scope)
        if found is None or found is False or found == "":
            return None
        request = self._request(found, url)
        if request.url in self.seen:
            raise PageRefused("The next page is one that was read before", retryable=False)
        if self.count >= self.plan.max_pages:
            self.more = True
            return None
        return request

    def outputs(self) -> dict[str, Any]:
        """What the outputs say of pages."""
        return {"items": self.items, "pages": self.count, "more": self.more}

    @property
    def room(self) -> int:
        """Bytes that further items may have."""
        return self.context.max_output_bytes * 3 // 4 - self.size

    def _keep(self, found: Any) -> bool:
        """Add these items; false if the outputs have no room for them."""
        if not isinstance(found, list):
            raise NoItems(f"Page {self.count} has no list of items", retryable=False)
        size = len(orjson.dumps(found))
        if size > self.room:
            return False
        self.items += found
        self.size += size
        return True

    def _request(self, found: Any, url: str) -> requests.Request:
        """Return the request for what ``next`` has made: an address, or a value for the query."""
        first = self.first
        if self.plan.next_param is not None:
            pairs = pairs_of({self.plan.next_param: found}, "paginate.next")
            self.context.keep_secret(encoded(pairs), found)
            return _like(first, with_query(url, pairs))
        return self._at(_address(found, url), url)

    def _at(self, target: str, url: str) -> requests.Request:
        first = self.first
        if _origin(target) == _origin(url) == _origin(first.url):
            request = _like(first, target)
            if self._is_in_query() and self.params["auth"]["name"] not in names_in(target):
                identify(self.context, self.params, request)
            return request
        if first.method != "GET" or first.data or first.files:
            raise PageRefused(
                "The next page is at another origin, where the body does not go", retryable=False
            )
        harmless = HARMLESS - {str((self.params.get("auth") or {}).get("name")).lower()}
        kept = {name: v for name, v in first.headers.items() if name.lower() in harmless}
        return requests.Request("GET", target, headers=kept)

    def _is_in_query(self) -> bool:
        auth = self.params.get("auth")
        return auth is not None and auth["type"] == "query"


def _like(first: requests.Request, url: str) -> requests.Request:
    return requests.Request(
        first.method, url, headers=first.headers, data=first.data, files=first.files
    )


def _told(answer: Answer, url: str) -> dict[str, Any]:
    """What expressions see as ``response``."""
    headers = answer.headers
    links = [
        link["url"]
        for link in parse_header_links(str(headers.get("link", "")))
        if "next" in link.get("rel", "").lower().split()
    ]
    return {
        "status_code": answer.status,
        "headers": headers,
        "body": answer.content(MAX_BYTES).value,
        "url": url,
        "next_link": links[0] if links else None,
    }


def _address(found: Any, url: str) -> str:
    if not isinstance(found, str):
        raise InvalidActionParams(
            "paginate: next is no address; say next_param if it is a value for the query"
        )
    # Before it is joined, which would tidy it up past the guard.
    if any(character <= " " or character in "\\\x7f" for character in found):
        raise PageRefused("The next page has an address that cannot be read", retryable=False)
    try:
        return urljoin(url, found).partition("#")[0]
    except ValueError as error:
        raise PageRefused(f"The next page has no address: {error}", retryable=False) from error


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme, parts.hostname, port
    except ValueError as error:
        raise PageRefused(f"The next page has no address: {error}", retryable=False) from error
