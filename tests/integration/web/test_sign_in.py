"""Who comes with a JWT: the API as those see it whom an issuer vouches for, and everybody else."""

from __future__ import annotations

import logging
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pytest
import redis as redis_client
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from support.documentation import DOCS
from support.history_rows import an_execution
from support.issuers import AUDIENCE, running_issuer, unsigned

from pipeline_engine.config import Settings
from pipeline_engine.demo.issuer.server import IssuerServer
from pipeline_engine.demo.issuer.signing import SigningKey
from pipeline_engine.services import Scope

Bearer = Callable[..., FlaskClient]


@pytest.fixture(scope="module")
def issuer() -> Iterator[IssuerServer]:
    with running_issuer() as server:
        yield server


@pytest.fixture(scope="module")
def oidc_settings(web_settings: Settings, issuer: IssuerServer) -> Settings:
    return replace(
        web_settings,
        oidc_issuer=issuer.url,
        oidc_audience=AUDIENCE,
        oidc_jwks_url=f"{issuer.url}/keys",
        roles=MappingProxyType({"release-manager": ("executions:run", "model:write")}),
    )


@pytest.fixture(scope="module")
def application(oidc_settings: Settings, app_with: Callable[[Settings], Flask]) -> Flask:
    return app_with(oidc_settings)


@pytest.fixture
def app(application: Flask, engine: Engine, redis: redis_client.Redis) -> Flask:
    return application


@pytest.fixture
def signed_in(app: Flask, issuer: IssuerServer) -> Bearer:
    """A way to come with a token of the issuer."""

    def come(subject: str = "u-1", *roles: str, key: Any = None, **claims: Any) -> FlaskClient:
        said = {"realm_access": {"roles": list(roles)}, **claims}
        return bearer(app, (key or issuer.mint.key).sign(issuer.mint.claims(subject, **said)))

    return come


def bearer(app: Flask, token: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def who(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/api/v1/whoami")
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_a_role_of_the_issuer_gives_the_rights_that_it_has_here(signed_in: Bearer) -> None:
    found = who(signed_in("u-1", "viewer", "release-manager", "offline_access"))

    assert (found["user_id"], found["principal"]) == ("u-1", "oidc:u-1")
    assert {"executions:run", "model:write", "pipelines:read"} <= set(found["scopes"])
    assert "pipelines:write" not in found["scopes"]


def test_the_guide_gets_a_token_that_lets_in(app: Flask, issuer: IssuerServer) -> None:
    page = (DOCS / "howto" / "sign-in.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^token=\$\((curl .+)\)$", page, re.M)
    command = shlex.split(line.replace("http://127.0.0.1:9083", issuer.url))

    token = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()

    found = who(bearer(app, token))
    assert (found["user_id"], found["owners"]) == ("ada", ["ada", "group:ops"])
    assert Scope.EXECUTIONS_RUN in found["scopes"]


def test_who_has_no_role_is_somebody_who_may_nothing(signed_in: Bearer) -> None:
    nobody = signed_in("u-2", "unknown-role", preferred_username="admin", email="alice@x.test")

    answer = nobody.get("/api/v1/executions")

    assert who(nobody)["scopes"] == []
    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
    assert f'scope="{Scope.EXECUTIONS_READ}"' in answer.headers["WWW-Authenticate"]


def test_one_sees_what_is_ones_own_and_ones_groups_and_nothing_else(
    session: Session, signed_in: Bearer
) -> None:
    own, of_group, foreign, of_other = (
        str(an_execution(session, user_id=owner).id)
        for owner in ("u-1", "group:ops/eu", "u-9", "group:ops")
    )
    session.commit()
    client = signed_in("u-1", "operator", groups=["/ops/eu"])

    listed = {found["id"] for found in client.get("/api/v1/executions").json["executions"]}

    assert listed == {own, of_group}
    for one in (foreign, of_other):
        assert client.get(f"/api/v1/executions/{one}").status_code == 404


@pytest.mark.parametrize(
    ("headers", "owners"),
    [
        ({}, ["group:ops", "root"]),
        ({"X-Owner": "group:ops"}, ["group:ops", "root"]),
        ({"X-User-ID": "bob"}, ["bob"]),
        ({"X-Owner": "group:dev"}, ["group:dev"]),
        ({"X-User-ID": "bob", "X-Owner": "group:dev"}, ["bob", "group:dev"]),
    ],
)
def test_an_administrator_who_acts_for_somebody_lends_him_nothing_of_his_own(
    signed_in: Bearer, headers: dict[str, str], owners: list[str]
) -> None:
    root = signed_in("root", "administrator", groups=["/ops"])

    answer = root.get("/api/v1/whoami", headers=headers)

    assert sorted(answer.json["owners"]) == owners


def test_a_user_is_not_another_whom_a_header_names(session: Session, signed_in: Bearer) -> None:
    an_execution(session, user_id="u-9")
    session.commit()
    client = signed_in("u-1", "editor")

    named = client.get("/api/v1/executions", headers={"X-User-ID": "u-9"})
    owned = client.get("/api/v1/executions", headers={"X-Owner": "u-9"})

    assert named.json["executions"] == []
    assert owned.status_code == 403


def test_an_administrator_of_the_issuer_may_act_for_others(
    session: Session, signed_in: Bearer
) -> None:
    theirs = an_execution(session, user_id="u-9")
    session.commit()

    listed = signed_in("root", "administrator").get(
        "/api/v1/executions", headers={"X-User-ID": "u-9"}
    )

    assert [found["id"] for found in listed.json["executions"]] == [str(theirs.id)]


def test_every_refused_token_gets_the_same_answer(
    app: Flask, issuer: IssuerServer, signed_in: Bearer
) -> None:
    strange = SigningKey.new("strange", "ES256")
    wrong = [
        signed_in(exp=1),
        signed_in(aud="account"),
        signed_in(iss="https://kc.test"),
        signed_in(typ="ID"),
        signed_in("group:ops", "administrator"),
        signed_in(key=strange),
        bearer(app, unsigned({"alg": "none"}, issuer.mint.claims("u-1"))),
        bearer(app, "a.b.c"),
        bearer(app, "a.b.c.d.e"),
        bearer(app, "pe_unknown_token"),
        bearer(app, "wrong"),
    ]

    answers = [client.get("/api/v1/executions") for client in wrong]

    assert {one.status_code for one in answers} == {401}
    assert {one.headers["WWW-Authenticate"] for one in answers} == {'Bearer error="invalid_token"'}
    bodies = [{**one.json, "correlation_id": ""} for one in answers]
    assert all(body == bodies[0] for body in bodies)


def test_why_a_token_was_refused_is_in_the_log_and_the_token_is_not(
    signed_in: Bearer, issuer: IssuerServer, capsys: pytest.CaptureFixture[str]
) -> None:
    client = signed_in(aud="account")

    client.get("/api/v1/executions")

    told = "".join(capsys.readouterr())
    assert "jwt_refused" in told
    assert "'account'" in told
    assert client.environ_base["HTTP_AUTHORIZATION"].partition(" ")[2] not in told


@pytest.mark.parametrize("name", ["access_token", "token", "id_token", "jwt", "authorization"])
def test_a_token_in_the_url_is_never_read(
    app: Flask, issuer: IssuerServer, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    token = issuer.mint.key.sign(issuer.mint.claims("u-1"))

    with caplog.at_level(logging.DEBUG):
        answer = app.test_client().get(f"/api/v1/whoami?{name}={token}")

    assert (answer.status_code, answer.json["code"]) == (401, "authentication_required")
    assert token not in answer.text + caplog.text


def test_a_token_of_three_hundred_groups_signs_in(signed_in: Bearer) -> None:
    groups = [f"/department-{number:03}/{'x' * 16}" for number in range(300)]

    assert len(who(signed_in("u-1", "viewer", groups=groups))["owners"]) == 301


def test_while_the_issuer_is_away_tokens_of_our_own_let_in(
    oidc_settings: Settings,
    app_with: Callable[[Settings], Flask],
    issuer: IssuerServer,
    redis: redis_client.Redis,
) -> None:
    away = app_with(replace(oidc_settings, oidc_jwks_url="http://127.0.0.1:1/keys"))
    token = issuer.mint.key.sign(issuer.mint.claims("u-1"))

    unknown = bearer(away, token).get("/api/v1/whoami")

    assert (unknown.status_code, unknown.json["code"]) == (503, "identity_unavailable")
    assert unknown.headers["Retry-After"]
    assert who(bearer(away, "alice-token"))["user_id"] == "alice"


def test_an_installation_with_an_issuer_only_is_not_closed(
    oidc_settings: Settings, app_with: Callable[[Settings], Flask], issuer: IssuerServer
) -> None:
    only = app_with(replace(oidc_settings, api_tokens=(), user_tokens=MappingProxyType({})))
    token = issuer.mint.key.sign(issuer.mint.claims("u-1"))

    assert who(bearer(only, token))["user_id"] == "u-1"
    answer = only.test_client().get("/api/v1/whoami")
    assert (answer.status_code, answer.json["code"]) == (401, "authentication_required")


def test_without_an_issuer_no_jwt_is_believed(
    web_settings: Settings, app_with: Callable[[Settings], Flask], issuer: IssuerServer
) -> None:
    token = issuer.mint.key.sign(issuer.mint.claims("u-1"))

    answer = bearer(app_with(web_settings), token).get("/api/v1/whoami")

    assert (answer.status_code, answer.json["code"]) == (401, "invalid_token")


def test_a_jwt_signs_in_to_the_console_for_as_long_as_it_is_good(
    app: Flask, issuer: IssuerServer
) -> None:
    claims = issuer.mint.claims("u-1", realm_access={"roles": ["viewer"]})
    browser = app.test_client()
    form = browser.get("/console/sign-in").text
    (csrf,) = re.findall(r'name="csrf" value="([^"]+)"', form)

    browser.post(
        "/console/sign-in",
        data={"csrf": csrf, "token": issuer.mint.key.sign(claims)},
        headers={"Origin": "http://localhost"},
    )

    found = browser.get("/console/session").json
    assert found["subject"] == "u-1"
    assert datetime.fromisoformat(found["expires_at"]).timestamp() == int(claims["exp"])
