"""Reads the body of an answer, but not more of it and not for longer than agreed."""

from __future__ import annotations

import time

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from pipeline_engine.sdk.errors import ActionError
from pipeline_engine.sdk.words import reason_of

PIECE = 65_536


class BodyTooLarge(ActionError):
    """The answer is larger than a step may keep."""

    code = "response_too_large"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"The answer is larger than {max_bytes} bytes", retryable=False)


def read_body(response: requests.Response, *, max_bytes: int, deadline: float) -> bytes:
    """Return the decoded body of a streamed response.

    *deadline* is a ``time.monotonic()`` value. The limit counts what comes out of a
    compressed body. Raises ``BodyTooLarge``, ``requests.Timeout`` or
    ``requests.ConnectionError``.
    """
    body = bytearray()
    if not read_into(body, response, max_bytes=max_bytes, deadline=deadline):
        raise BodyTooLarge(max_bytes)
    return bytes(body)


def read_into(
    body: bytearray, response: requests.Response, *, max_bytes: int, deadline: float
) -> bool:
    """Add the decoded body of a streamed response to *body*; False if there is more of it.

    Raises as ``read_body`` does, and leaves what came before in *body*.
    """
    try:
        while len(body) <= max_bytes:
            if time.monotonic() > deadline:
                raise requests.Timeout("The answer took too long")
            piece = response.raw.read1(PIECE, decode_content=True)
            if not piece:
                return True
            body += piece
        del body[max_bytes:]
        return False
    except ReadTimeoutError as error:
        raise requests.Timeout(str(error)) from error
    except HTTPError as error:
        raise requests.ConnectionError(reason_of(error)) from error
    finally:
        response.close()
