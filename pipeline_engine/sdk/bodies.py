"""Reads the body of an answer, but not more of it and not for longer than agreed."""

from __future__ import annotations

import time

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import GzipDecoderState

from pipeline_engine.sdk.errors import ActionError
from pipeline_engine.sdk.words import reason_of

PIECE = 65_536
#: What follows the end of a gzip stream is nothing that anybody misses.
SWALLOWS = (GzipDecoderState.SWALLOW_DATA,)


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
                _demand_the_end(response)
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


def _demand_the_end(response: requests.Response) -> None:
    """Raise ``requests.ConnectionError`` if a compressed body stopped before its own end.

    All bytes may have come that the headers have promised: only the decoder knows that there is
    more to follow, and urllib3 does not ask it.
    """
    decoder = getattr(response.raw, "_decoder", None)
    for one in getattr(decoder, "_decoders", [decoder]):
        ends = getattr(getattr(one, "_obj", None), "eof", True)
        if not ends and response.raw.tell() and getattr(one, "_state", None) not in SWALLOWS:
            raise requests.ConnectionError("The compressed answer was cut off")
