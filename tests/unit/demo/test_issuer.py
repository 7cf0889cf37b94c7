"""The issuer that ships: real documents, keys and tokens, and nobody from outside."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import jwt
import pytest
import requests
from support.issuers import AUDIENCE, running_issuer

from pipeline_engine.demo.issuer.server import IssuerServer
from pipeline_engine.services.oidc.fetching import Source
from pipeline_engine.services.oidc.keys import Keys


@pytest.fixture(scope="module")
def issuer() -> Iterator[IssuerServer]:
    with running_issuer() as server:
        yield server


def post(issuer: IssuerServer, path: str, **fields: object) -> requests.Response:
    return requests.post(f"{issuer.url}{path}", data=fields, timeout=10)


def test_its_keys_are_found_by_discovery_and_verify_its_tokens(issuer: IssuerServer) -> None:
    answer = post(
        issuer, "/token", subject="alice", groups=["/ops", "/eu"], roles="operator", seconds="60"
    ).json()

    (published,) = Keys.of(Source(issuer.url).jwks(), ["ES256"]).known
    told = jwt.decode(answer["access_token"], published.jwk, audience=AUDIENCE, issuer=issuer.url)
    assert (told["sub"], told["groups"]) == ("alice", ["/ops", "/eu"])
    assert told["realm_access"] == {"roles": ["operator"]}
    assert told["exp"] - told["iat"] == answer["expires_in"] == 60


def test_a_shell_gets_the_bare_token(issuer: IssuerServer) -> None:
    answer = requests.post(
        f"{issuer.url}/token",
        data={"subject": "alice"},
        headers={"Accept": "text/plain"},
        timeout=10,
    )

    assert answer.text.count(".") == 2
    assert answer.text.endswith("\n")


def test_keys_are_rotated_and_withdrawn_on_demand(issuer: IssuerServer) -> None:
    def published() -> list[str]:
        return [key["kid"] for key in Source(issuer.url).jwks()["keys"]]

    before = published()
    new = post(issuer, "/rotate", algorithm="EdDSA").json()["signs_with"]
    assert published() == [*before, new]
    post(issuer, "/withdraw")
    assert published() == [new]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/token", {}),
        ("/token", {"subject": ["a", "b"]}),
        ("/token", {"subject": "a", "seconds": "0"}),
        ("/token", {"subject": "a", "seconds": "ten"}),
        ("/rotate", {"algorithm": "HS256"}),
        ("/nothing", {}),
    ],
)
def test_what_it_does_not_understand_it_says_so(issuer: IssuerServer, path, fields) -> None:
    answer = post(issuer, path, **fields)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_it_answers_to_no_other_name_because_a_web_page_could_ask_under_its_own(
    issuer: IssuerServer,
) -> None:
    answer = requests.get(f"{issuer.url}/keys", headers={"Host": "evil.test"}, timeout=10)

    assert answer.status_code == 400


def test_the_command_serves_on_this_machine_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "pipeline_engine", "issuer", "--port=0", "--algorithm=ES256"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            with closing(process.stdout) as told:
                lines = [next(told).strip() for _ in range(7)]
                url = next(one for one in lines if "ISSUER=" in one).partition("=")[2]
                assert Keys.of(Source(url).jwks(), ["ES256"]).known
                assert f"curl {url}/token -d subject=alice" in lines[-1] + next(told)
        finally:
            process.terminate()
        assert process.wait(10) == 0
