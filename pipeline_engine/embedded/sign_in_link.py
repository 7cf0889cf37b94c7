"""The link by which whoever has started a stack signs in to its console."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlencode, urlsplit

PAGES = "/console/"


def sign_in_link(exports: Mapping[str, str], *, to: str | None = None) -> str | None:
    """A new link; None if the console is not built, or nobody answers. *exports* say where.

    It leads *to* a page, or to the first one.
    """
    address = exports["PIPELINE_API_URL"]
    connection = HTTPConnection(urlsplit(address).netloc, timeout=5)
    try:
        connection.request("GET", "/", headers={"Accept": "text/html"})
        front = _read(connection.getresponse())
        if not (front.getheader("Location") or "").startswith(PAGES):
            return None
        bearer = f"Bearer {exports['PIPELINE_API_TOKEN']}"
        connection.request("POST", "/api/v1/sign-in-links", headers={"Authorization": bearer})
        answer = connection.getresponse()
        if answer.status != 201:
            return None
        link = f"{address}{json.load(answer)['path']}"
        return f"{link}&{urlencode({'next': to})}" if to else link
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _read(response: HTTPResponse) -> HTTPResponse:
    response.read()  # or the connection could not be used again
    return response
