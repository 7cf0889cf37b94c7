"""Reading a file of a source: from a folder, or over HTTP in one bounded time.

No ``.netrc``, no cookies and no redirects: what is asked for is at the address that the operator
has named, and nowhere else. The usual variables (``HTTPS_PROXY`` …) name a proxy.
"""

from __future__ import annotations

import os
import time
from errno import ENOENT
from pathlib import Path
from urllib.parse import urljoin

import requests

from pipeline_engine.marketplace.refusals import MarketplaceUnavailable
from pipeline_engine.sdk.bodies import BodyTooLarge, read_body
from pipeline_engine.sdk.timed_http import TimedAdapter, timed
from pipeline_engine.sdk.words import reason_of
from pipeline_engine.setting_kinds import MarketplaceSource

INDEX = "index.json"
INDEX_SECONDS = 10.0
WHEEL_SECONDS = 300.0


class TooLarge(Exception):
    """There is more of it than there may be."""


def index_of(source: MarketplaceSource, *, max_bytes: int) -> bytes:
    """The file of its index. Raises ``MarketplaceUnavailable`` or ``TooLarge``."""
    return _read(source, None, max_bytes=max_bytes, seconds=INDEX_SECONDS)


def wheel_of(source: MarketplaceSource, name: str, *, max_bytes: int) -> bytes:
    """A file beside its index. Raises ``MarketplaceUnavailable`` or ``TooLarge``."""
    return _read(source, name, max_bytes=max_bytes, seconds=WHEEL_SECONDS)


def _read(source: MarketplaceSource, name: str | None, *, max_bytes: int, seconds: float) -> bytes:
    try:
        if source.url is None:
            return _from_folder(Path(source.path or ""), name, max_bytes)
        index = source.url if source.url.endswith(".json") else f"{source.url.rstrip('/')}/{INDEX}"
        return _over_http(urljoin(index, name) if name else index, max_bytes, seconds)
    except (requests.RequestException, OSError) as error:
        raise MarketplaceUnavailable(
            f"The source {source.name} cannot be read: {reason_of(error)}."
        ) from error


def _from_folder(place: Path, name: str | None, max_bytes: int) -> bytes:
    folder, index = (place, INDEX) if place.is_dir() else (place.parent, place.name)
    found = folder / (name or index)
    if not found.is_file():  # a pipe would let us wait for ever
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), str(found))
    with found.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise TooLarge
    return content


def _over_http(url: str, max_bytes: int, seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    with requests.Session() as session, timed(seconds):
        session.auth = _anonymous  # or requests reads ~/.netrc
        for scheme in ("http://", "https://"):
            session.mount(scheme, TimedAdapter())
        answer = session.get(url, allow_redirects=False, stream=True, timeout=seconds)
        try:
            if answer.status_code != requests.codes.ok:
                raise MarketplaceUnavailable(_refused(url, answer))
            return read_body(answer, max_bytes=max_bytes, deadline=deadline)
        except BodyTooLarge as error:
            raise TooLarge from error
        finally:
            answer.close()


def _anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _refused(url: str, answer: requests.Response) -> str:
    if answer.is_redirect:
        elsewhere = answer.headers.get("Location", "")[:500]
        return f"{url} leads to {elsewhere}: redirects are not followed, name that address itself."
    return f"{url} answers with {answer.status_code}."
