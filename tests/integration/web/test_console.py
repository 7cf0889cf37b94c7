"""The console's door over HTTP: who is let in, for how long, and what the cookie is good for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from pipeline_engine.services import Origin, Runtime
from pipeline_engine.services.console_sessions import ConsoleSessions, SessionEnded
from pipeline_engine.services.credentials import Credentials
from pipeline_engine.services.retention import clean_up

from .conftest import ALICE, BOB, SERVICE, client_of

SIGN_IN, SESSION = "/console/sign-in", "/console/session"
HERE = {"Origin": "http://localhost"}
BROWSER = {"Accept": "text/html,*/*;q=0.8"}
PIPELINES = "/api/v1/pipelines"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """Somebody who has not signed in."""
    return app.test_client()


@pytest.fixture(scope="module")
def built(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An application whose pages are there."""
    folder: Path = tmp_path_factory.mktemp("console")
    (folder / "index.html").write_text("<!doctype html><title>the application</title>")
    (folder / "assets").mkdir()
    (folder / "assets" / "main-3f2a.js").write_text("export {}")
    made: Flask = import_module("pipeline_engine_web.app").create_app(runtime, console=folder)
    return made


@pytest.fixture
def sessions(runtime: Runtime, engine: Engine) -> ConsoleSessions:
    return ConsoleSessions(runtime, Credentials(runtime))


@pytest.fixture
def connection(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


def form(browser: FlaskClient, query: str = "") -> dict[str, str]:
    """The hidden fields of the form."""
    page = browser.get(SIGN_IN + query)
    assert page.status_code == 200
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))


def signed_in(browser: FlaskClient, token: str = ALICE, **more: str) -> TestResponse:
    answer = browser.post(SIGN_IN, data=form(browser) | {"token": token} | more, headers=HERE)
    assert answer.status_code == 303, answer.text
    return answer


def csrf(browser: FlaskClient) -> dict[str, str]:
    return HERE | {"X-CSRF-Token": browser.get(SESSION).json["csrf_token"]}


def made_token(client: FlaskClient, **wanted: object) -> dict[str, str]:
    asked = {"name": "t", "roles": ["editor"], **wanted}
    made = client.post("/api/v1/tokens", json=asked)
    assert made.status_code == 201, made.json
    return dict(made.json)


def test_a_token_signs_in_and_the_cookie_may_what_it_may(browser: FlaskClient) -> None:
    answer = signed_in(browser, next="/console/executions/4?tab=events")

    told = browser.get(SESSION).json
    assert answer.headers["Location"] == "/console/executions/4?tab=events"
    assert (told["subject"], told["owners"]) == ("alice", ["alice"])
    assert told["scopes"] == browser.get("/api/v1/whoami").json["scopes"]
    assert browser.get("/pipelines").status_code == 200  # the older paths are the same views
    stored = browser.post(PIPELINES, json={"dag": {}}, headers=csrf(browser))
    assert stored.json["code"] == "invalid_definition"  # it was read, so it was let in


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_over_https_from_wires(
    app: Flask,
) -> None:
    plain, tls = app.test_client(), app.test_client()
    over_tls = {"base_url": "https://console.example"}
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', tls.get(SIGN_IN, **over_tls).text))

    cookie = signed_in(plain).headers["Set-Cookie"]
    secure = tls.post(
        SIGN_IN,
        data=fields | {"token": ALICE},
        headers={"Origin": "https://console.example"},
        **over_tls,
    ).headers["Set-Cookie"]

    assert re.match(r"pipeline_session=[\w-]{43};", cookie)
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    assert "; Secure" in secure


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost"},  # without the text
        {"X-CSRF-Token": "the one"},  # no browser of today is silent about where it comes from
        {"Origin": "http://localhost:9999", "X-CSRF-Token": "the one"},
        {"Origin": "null", "X-CSRF-Token": "the one"},
        {"Origin": "http://localhost", "X-CSRF-Token": "wrong"},
        {"Sec-Fetch-Site": "same-site", "X-CSRF-Token": "the one"},
        {"Sec-Fetch-Site": "cross-site", "X-CSRF-Token": "the one"},
    ],
)
def test_no_other_page_writes_with_the_cookie(
    browser: FlaskClient, headers: dict[str, str]
) -> None:
    signed_in(browser)
    known = csrf(browser)["X-CSRF-Token"]
    sent = {name: known if value == "the one" else value for name, value in headers.items()}

    answer = browser.post(PIPELINES, json={"dag": {}}, headers=sent)

    assert (answer.status_code, answer.json["code"]) == (403, "csrf_failed")


def test_a_request_with_authorization_is_judged_by_that_alone(browser: FlaskClient) -> None:
    signed_in(browser)

    wrong = browser.get(PIPELINES, headers={"Authorization": "Bearer wrong"})
    other = browser.get("/api/v1/whoami", headers={"Authorization": f"Bearer {BOB}"})
    written = browser.post(PIPELINES, json={}, headers={"Authorization": f"Bearer {BOB}"})

    assert (wrong.status_code, wrong.json["code"]) == (401, "invalid_token")
    assert other.json["user_id"] == "bob"
    assert written.status_code == 422  # no text is needed: a browser adds no token by itself
    assert browser.get(SESSION, headers={"Authorization": f"Bearer {BOB}"}).status_code == 401


def test_headers_that_say_for_whom_one_acts_do_what_they_do_with_the_token(
    app: Flask,
) -> None:
    user, service = app.test_client(), app.test_client()
    signed_in(user)
    signed_in(service, SERVICE)

    refused = user.get(PIPELINES, headers={"X-Owner": "bob"})
    ignored = user.get("/api/v1/whoami", headers={"X-User-ID": "bob"})
    believed = service.get("/api/v1/whoami", headers={"X-User-ID": "bob"})

    assert (refused.status_code, refused.json["code"]) == (403, "owner_not_allowed")
    assert ignored.json["user_id"] == "alice"
    assert believed.json["user_id"] == "bob"


def test_nobody_is_signed_in_by_the_form_of_another_browser(app: Flask) -> None:
    mine, other = app.test_client(), app.test_client()
    theirs = form(other) | {"token": BOB}
    form(mine)

    planted = mine.post(SIGN_IN, data=theirs, headers=HERE)
    elsewhere = mine.post(
        SIGN_IN, data=form(mine) | {"token": BOB}, headers={"Origin": "http://evil.example"}
    )

    assert [planted.status_code, elsewhere.status_code] == [403, 403]
    assert mine.get(SESSION).status_code == 401


def test_who_signs_in_gets_a_new_session_and_the_one_before_ends(app: Flask) -> None:
    browser, thief = app.test_client(), app.test_client()
    signed_in(browser)
    before = browser.get_cookie("pipeline_session")
    assert before is not None
    thief.set_cookie("pipeline_session", before.value)

    browser.post(SIGN_IN, data=form_again(browser) | {"token": BOB}, headers=HERE)

    after = browser.get_cookie("pipeline_session")
    assert after is not None
    assert after.value != before.value
    assert browser.get(SESSION).json["subject"] == "bob"
    assert thief.get(SESSION).json["code"] == "session_ended"


def form_again(browser: FlaskClient) -> dict[str, str]:
    """The form that a link brings: without one, whoever is signed in goes on."""
    return form(browser, "?code=x") | {"code": ""}


def test_a_session_of_ones_own_choice_is_nobodys(browser: FlaskClient) -> None:
    browser.set_cookie("pipeline_session", "chosen-by-somebody")

    assert browser.get(PIPELINES).json["code"] == "session_ended"
    signed_in(browser)
    kept = browser.get_cookie("pipeline_session")
    assert kept is not None
    assert kept.value != "chosen-by-somebody"


def test_signing_out_ends_the_session_everywhere_it_is_known(app: Flask) -> None:
    browser, tab = app.test_client(), app.test_client()
    signed_in(browser)
    cookie = browser.get_cookie("pipeline_session")
    assert cookie is not None
    tab.set_cookie("pipeline_session", cookie.value)

    foreign = browser.post("/console/sign-out", headers={"Origin": "http://evil.example"})
    still = browser.get(SESSION).status_code
    own = browser.post("/console/sign-out", headers=csrf(browser))
    again = browser.post("/console/sign-out")

    assert (foreign.status_code, foreign.mimetype, still) == (403, "text/html", 200)
    assert (own.status_code, own.headers["Location"]) == (303, SIGN_IN)
    assert tab.get(SESSION).status_code == 401
    assert again.status_code == 303


def test_a_revoked_token_ends_its_session(alice: FlaskClient, app: Flask, engine: Engine) -> None:
    admin, browser = client_of(app, SERVICE), app.test_client()
    made = made_token(admin, user_id="alice")
    signed_in(browser, made["token"])
    assert browser.get(PIPELINES).status_code == 200

    admin.delete(f"/api/v1/tokens/{made['id']}")

    assert browser.get(PIPELINES).json["code"] == "session_ended"
    with engine.connect() as connection:
        (row,) = connection.execute(text("SELECT ended_at, token FROM console_sessions"))
    assert row.ended_at is not None
    assert row.token is None


def test_a_session_ends_after_silence_and_after_a_week_and_with_its_token(
    sessions: ConsoleSessions, app: Flask
) -> None:
    ends = datetime.now(UTC) + timedelta(days=2)
    short = made_token(client_of(app, SERVICE), user_id="alice", expires_at=ends.isoformat())
    begun = sessions.begin(ALICE, Origin(), now=NOW)
    hours = [NOW + timedelta(hours=11 * n) for n in range(1, 16)]

    for hour in hours:  # somebody is there every eleven hours
        sessions.find(begun.secret, now=hour)

    assert begun.expires_at == NOW + timedelta(days=7)
    with pytest.raises(SessionEnded):
        sessions.find(begun.secret, now=NOW + timedelta(days=7, seconds=1))
    with pytest.raises(SessionEnded):
        sessions.find(sessions.begin(ALICE, Origin(), now=NOW).secret, now=hours[1])
    assert sessions.begin(short["token"], Origin()).expires_at == ends


def test_a_stream_that_is_open_does_not_keep_a_session_alive(sessions: ConsoleSessions) -> None:
    begun = sessions.begin(ALICE, Origin(), now=NOW)

    sessions.find(begun.secret, now=NOW + timedelta(hours=11), is_seen=False)

    with pytest.raises(SessionEnded):
        sessions.find(begun.secret, now=NOW + timedelta(hours=13))


def test_a_stream_is_followed_with_the_cookie_until_its_session_ends(browser: FlaskClient) -> None:
    signed_in(browser)
    desk = import_module("pipeline_engine_web.holding").Desk()
    door = {"pipeline_engine.desk": desk}

    answer = browser.get("/api/v1/stream", environ_overrides=door)

    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    assert desk.stream.right.holds()
    browser.post("/console/sign-out", headers=csrf(browser))
    assert not desk.stream.right.holds()


def test_neither_token_nor_cookie_is_readable_in_the_database(
    browser: FlaskClient, engine: Engine
) -> None:
    signed_in(browser)
    cookie = browser.get_cookie("pipeline_session")
    assert cookie is not None

    with engine.connect() as connection:
        tables = ("console_sessions", "audit_log")
        rows = [str(row) for t in tables for row in connection.execute(text(f"TABLE {t}"))]

    assert rows
    assert not [row for row in rows if ALICE in row or cookie.value in row]


def test_signing_in_and_out_and_a_wrong_token_are_on_record(
    browser: FlaskClient, engine: Engine
) -> None:
    browser.post(SIGN_IN, data=form(browser) | {"token": "wrong-token"}, headers=HERE)
    signed_in(browser)
    browser.post("/console/sign-out", headers=csrf(browser))

    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT act, principal, owner, result, code FROM audit_log ORDER BY id")
        ).all()
    assert [tuple(row) for row in rows] == [
        ("session.begin", None, None, "refused", "invalid_token"),
        ("session.begin", "env:user:alice", "alice", "done", None),
        ("session.end", "env:user:alice", "alice", "done", None),
    ]


def test_a_wrong_token_is_answered_on_the_form_and_not_repeated(browser: FlaskClient) -> None:
    fields = form(browser, "?next=/console/executions/7") | {"token": "wrong-token"}

    answer = browser.post(SIGN_IN, data=fields, headers=HERE)

    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert "lets nobody in" in answer.text
    assert 'value="/console/executions/7"' in answer.text
    assert "wrong-token" not in answer.text


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/console/",
        "/console/../..//evil.example",
        "/console/%2e%2e/%2e%2e/docs",
        "/console/..\\evil",
        "/console//evil.example",
        "/console/%5c%5cevil.example",
        "/console/x\r\nSet-Cookie: a=b",
        "/console/\t/evil",
        "/api/v1/executions",
        "/consolex",
        "/console/sign-out",
        "javascript:alert(1)",
        "/console/" + "x" * 3000,
    ],
)
def test_signing_in_leads_to_pages_of_the_console_only(browser: FlaskClient, wanted: str) -> None:
    answer = signed_in(browser, next=wanted)

    assert answer.headers["Location"] == "/console/now"


def test_a_link_signs_in_once_and_only_when_its_button_is_pressed(
    app: Flask, alice: FlaskClient
) -> None:
    link = alice.post("/api/v1/sign-in-links").json["path"]
    first, second = app.test_client(), app.test_client()
    query = link.partition(SIGN_IN)[2]
    first.head(link)  # whoever looks where a link leads does not use it up
    fields, late = form(first, query), form(second, query)

    used = first.post(SIGN_IN, data=fields, headers=HERE)
    again = second.post(SIGN_IN, data=late, headers=HERE)

    assert (used.status_code, again.status_code) == (303, 401)
    assert first.get(SESSION).json["subject"] == "alice"
    assert "was used, or is too old" in again.text


def test_a_link_is_good_for_ten_minutes_and_kept_as_a_hash(
    sessions: ConsoleSessions, runtime: Runtime, alice: FlaskClient, connection: Session
) -> None:
    code = alice.post("/api/v1/sign-in-links").json["path"].partition("code=")[2]
    (kept,) = connection.execute(text("SELECT sign_in_links::text FROM sign_in_links")).scalars()

    late = datetime.now(UTC) + timedelta(minutes=10, seconds=5)
    with pytest.raises(Exception, match="was used, or is too old"):
        sessions.begin_by_link(code, Origin(), now=late)
    assert code not in kept
    assert ALICE not in kept


def test_no_session_makes_a_link_that_outlives_it(browser: FlaskClient) -> None:
    signed_in(browser)

    answer = browser.post("/api/v1/sign-in-links", headers=csrf(browser))

    assert (answer.status_code, answer.json["code"]) == (401, "authentication_required")


# ── Pages ────────────────────────────────────────────────────────────────────────────────


def test_no_page_is_shown_before_somebody_has_signed_in(built: Flask, engine: Engine) -> None:
    browser = built.test_client()
    page = "/console/executions/4?tab=events"

    before = browser.get(page)
    signed_in(browser)
    after = browser.get(page)

    assert before.status_code == 302
    assert before.headers["Location"] == f"{SIGN_IN}?next={quote(page, safe='')}"
    assert "the application" in after.text
    assert after.headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in after.headers["Content-Security-Policy"]
    assert "unsafe" not in after.headers["Content-Security-Policy"]
    assert browser.get("/static/console/index.html").status_code == 404


def test_a_link_on_another_site_leads_whoever_is_signed_in_on(built: Flask, engine: Engine) -> None:
    """A browser sends no cookie from there, so our own page takes the next step."""
    stranger, browser = built.test_client(), built.test_client()
    signed_in(browser)

    arriving = stranger.get("/console/executions/4", headers={"Sec-Fetch-Site": "cross-site"})
    (goal,) = re.findall(r'content="0; url=([^"]+)"', arriving.text)

    assert browser.get(goal).headers["Location"] == "/console/executions/4"


def test_what_pages_load_is_kept_for_ever(built: Flask) -> None:
    browser = built.test_client()

    with browser.get("/console/assets/main-3f2a.js") as found:
        assert found.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert found.mimetype == "text/javascript"
    missing = browser.get("/console/assets/main-0000.js")
    above = browser.get("/console/assets/..%2findex.html")
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")
    assert above.status_code != 200


def test_where_the_application_is_the_front_page_leads_people_there(
    built: Flask, anybody: FlaskClient
) -> None:
    there = built.test_client().get("/", headers=BROWSER)

    assert (there.status_code, there.headers["Location"]) == (302, "/console/now")
    assert there.headers["Vary"] == "Accept"
    assert built.test_client().get("/").json["service"] == "pipeline-engine"


def test_where_no_pages_were_built_a_page_says_so_and_how(browser: FlaskClient) -> None:
    signed_in(browser)

    answer = browser.get("/console/executions")

    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert "make install" in answer.text
    assert browser.get("/", headers=BROWSER).status_code == 200


def test_the_sign_in_page_needs_no_script_and_can_be_sent(browser: FlaskClient) -> None:
    page = browser.get(SIGN_IN)

    assert not re.search(r"<script|style=|onclick=", page.text)
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "same-origin"  # else browsers say ``Origin: null``
    assert page.headers["Cache-Control"] == "no-store"
    assert browser.options(SIGN_IN).status_code == 200
    assert browser.head(SIGN_IN).data == b""


def test_ended_sessions_are_deleted_when_they_are_old(
    sessions: ConsoleSessions, runtime: Runtime
) -> None:
    now = datetime.now(UTC)
    sessions.begin(ALICE, Origin(), now=now - timedelta(days=40))
    sessions.begin(ALICE, Origin(), now=now)

    cleaned = clean_up(runtime, now=now)

    assert cleaned.ledgers["console_sessions"] == 1
