"""Issuers for tests: the one that ships, in a thread, and tokens that nobody should believe."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pipeline_engine.demo.issuer.server import IssuerServer
from pipeline_engine.demo.issuer.signing import Mint

AUDIENCE = "pipelines-api"


@contextmanager
def running_issuer(port: int = 0, mint: Mint | None = None) -> Iterator[IssuerServer]:
    """Serve until the test is over."""
    with IssuerServer(mint or Mint(AUDIENCE, algorithm="ES256"), port=port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def encoded(value: Any) -> str:
    """A part of a token: JSON, or bytes as they are."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(header: Mapping[str, Any], claims: Any, signature: bytes = b"") -> str:
    """A token that somebody has written by hand."""
    return f"{encoded(dict(header))}.{encoded(claims)}.{encoded(signature)}"
