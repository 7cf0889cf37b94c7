"""The HTTP side of the issuer: the standard library's server and a few routes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pipeline_engine.demo.issuer.signing import ALGORITHMS, LIFETIME, Mint

LOOPBACK = "127.0.0.1"
NAMES = frozenset({LOOPBACK, "localhost"})
MOST_BYTES = 64 * 1024
LONGEST_LIFE = 86_400
PLAIN = "text/plain"

Fields = Mapping[str, list[str]]


class BadRequest(Exception):
    """The issuer cannot do what it was asked for."""


class IssuerServer(ThreadingHTTPServer):
    """An issuer at an address of this machine."""

    daemon_threads = True

    def __init__(self, mint: Mint, *, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.mint = mint
        mint.issuer = self.url
        self.asked: list[str] = []  #: the paths of all requests, in their order

    @property
    def url(self) -> str:
        """The issuer's name, which is its address."""
        return f"http://{LOOPBACK}:{self.server_port}"

    def discovery(self) -> dict[str, Any]:
        """What clients and services have to know of it (OIDC Discovery 1.0)."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint": f"{self.url}/token",
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": list(ALGORITHMS),
        }

    def token(self, fields: Fields) -> dict[str, Any]:
        """The answer to a request for a token. Raises ``BadRequest``."""
        subject = _one(fields, "subject")
        if not subject:
            raise BadRequest("Say whose token it is: subject=alice")
        seconds = _one(fields, "seconds") or str(LIFETIME)
        if not seconds.isdecimal() or not 0 < int(seconds) <= LONGEST_LIFE:
            raise BadRequest(f"seconds is a number up to {LONGEST_LIFE}")
        claims = self.mint.claims(subject)
        claims |= {
            "aud": _one(fields, "audience") or self.mint.audience,
            "exp": claims["iat"] + int(seconds),
            "groups": fields.get("groups", []),
            "realm_access": {"roles": fields.get("roles", [])},
        }
        token = self.mint.key.sign(claims)
        return {"access_token": token, "token_type": "Bearer", "expires_in": int(seconds)}

    def rotate(self, fields: Fields) -> dict[str, Any]:
        """Sign with a new key. Raises ``BadRequest``."""
        try:
            return {"signs_with": self.mint.rotate(_one(fields, "algorithm")).id}
        except ValueError as error:
            raise BadRequest(str(error)) from error

    def withdraw(self, _: Fields) -> dict[str, Any]:
        """Forget the keys that sign no more."""
        self.mint.withdraw()
        return {"signs_with": self.mint.key.id}


#: What can be done, and what is to be read.
ROUTES: Mapping[tuple[str, str], Callable[[IssuerServer, Fields], dict[str, Any]]] = {
    ("GET", "/.well-known/openid-configuration"): lambda server, _: server.discovery(),
    ("GET", "/keys"): lambda server, _: server.mint.jwks(),
    ("POST", "/token"): IssuerServer.token,
    ("POST", "/rotate"): IssuerServer.rotate,
    ("POST", "/withdraw"): IssuerServer.withdraw,
}


class _Handler(BaseHTTPRequestHandler):
    server: IssuerServer
    protocol_version = "HTTP/1.1"
    # Header and body leave as two writes: with Nagle's algorithm the second waits 40 ms.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as in the base class)
        """Stay silent."""

    def _serve(self) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append(path)
        try:
            status, body = HTTPStatus.OK, self._answer(path)
        except BadRequest as error:
            status, body = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        self._send(status, body)

    def _answer(self, path: str) -> dict[str, Any]:
        # A page in a browser can give our address any name of its own.
        if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in NAMES:
            raise BadRequest(f"Call me {self.server.url}")
        fields = self._fields()
        answer = ROUTES.get((self.command, path))
        if answer is None:
            known = ", ".join(f"{method} {route}" for method, route in ROUTES)
            raise BadRequest(f"There is {known}")
        return answer(self.server, fields)

    def _fields(self) -> Fields:
        """The fields of a form."""
        size = int(self.headers.get("Content-Length") or 0)
        if size > MOST_BYTES:
            self.close_connection = True
            raise BadRequest(f"More than {MOST_BYTES} bytes")
        return parse_qs(self.rfile.read(size).decode("utf-8", "replace"))

    def _send(self, status: HTTPStatus, body: Mapping[str, Any]) -> None:
        # For shells: TOKEN=$(curl -H 'Accept: text/plain' …)
        is_plain = "access_token" in body and self.headers.get("Accept") == PLAIN
        text = f"{body['access_token']}\n" if is_plain else f"{json.dumps(body, indent=2)}\n"
        self.send_response(status)
        self.send_header("Content-Type", PLAIN if is_plain else "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(text.encode())


def _one(fields: Fields, name: str) -> str | None:
    """The value of a field that is given once."""
    given = fields.get(name, [])
    if len(given) > 1:
        raise BadRequest(f"{name} is there more than once")
    return given[0] if given else None
