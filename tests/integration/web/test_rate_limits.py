"""Who asks too often is told to come back, and nobody else is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_client
from flask import Flask, request
from support.door_server import Limits, running_door
from support.waiting import wait_until

from pipeline_engine.config import Settings
from pipeline_engine.fail_fast_redis import make_redis
from pipeline_engine.services.rate_limits import RateLimits

SERVICE, ALICE, BOB, INTERNAL = "service-token", "alice-token", "bob-token", "internal-token"
HOUR = 3600.0
MadeApp = Callable[[Settings], Flask]


@pytest.fixture(scope="module")
def narrow_application(web_settings: Settings, app_with: MadeApp) -> Flask:
    return app_with(
        replace(web_settings, rate_limit=3, address_rate_limit=2, rate_limit_seconds=HOUR)
    )


@pytest.fixture
def narrow(narrow_application: Flask, redis: redis_client.Redis) -> Flask:
    """Made once: the buckets are in Redis, which is empty after each test."""
    return narrow_application


def ask(app: Flask, token: str | None, path: str = "/actions", **given: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    address = {"REMOTE_ADDR": given.pop("address", "192.0.2.1")}
    headers |= given.pop("headers", {})
    return app.test_client().open(path, headers=headers, environ_base=address, **given)


def statuses(app: Flask, token: str | None, times: int, **given: Any) -> list[int]:
    return [ask(app, token, **given).status_code for _ in range(times)]


def test_a_caller_is_told_what_is_left_and_when_to_come_back(narrow: Flask) -> None:
    answers = [ask(narrow, ALICE) for _ in range(4)]

    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert [a.headers["X-RateLimit-Remaining"] for a in answers] == ["2", "1", "0", "0"]
    assert {a.headers["X-RateLimit-Limit"] for a in answers} == {"3"}
    refused = answers[-1]
    assert refused.content_type == "application/problem+json"
    assert refused.json["code"] == "rate_limited"
    assert refused.json["limit"] == 3
    assert 0 < refused.json["retry_after_seconds"] <= HOUR / 3
    assert refused.headers["Retry-After"] == str(refused.json["retry_after_seconds"])


def test_others_at_the_same_address_have_a_bucket_of_their_own(narrow: Flask) -> None:
    assert statuses(narrow, ALICE, 4)[-1] == 429
    assert statuses(narrow, BOB, 3) == [200] * 3


def test_one_token_has_one_bucket_wherever_it_is_used(narrow: Flask) -> None:
    found = [ask(narrow, ALICE, address=f"192.0.2.{n}").status_code for n in range(5)]

    assert found == [200] * 3 + [429] * 2


def test_a_request_counts_although_it_is_refused(narrow: Flask) -> None:
    for_bob = {"X-Owner": "bob"}

    assert statuses(narrow, ALICE, 4, headers=for_bob) == [403] * 3 + [429]


def test_a_service_has_a_bucket_for_each_user_and_none_for_itself(narrow: Flask) -> None:
    for_ann = {"X-User-ID": "ann"}

    assert statuses(narrow, SERVICE, 4, headers=for_ann) == [200] * 3 + [429]
    assert statuses(narrow, SERVICE, 1, headers={"X-User-ID": "ben"}) == [200]
    assert statuses(narrow, SERVICE, 5) == [200] * 5
    assert "X-RateLimit-Limit" not in ask(narrow, SERVICE).headers
    mesh = {"dapr-api-token": INTERNAL}
    assert statuses(narrow, None, 5, path="/deliveries", headers=mesh) == [200] * 5


def test_the_owner_that_a_user_chooses_makes_no_other_bucket(narrow: Flask) -> None:
    chosen = {"X-Owner": "alice"}

    assert statuses(narrow, ALICE, 2) + statuses(narrow, ALICE, 2, headers=chosen) == [
        200,
        200,
        200,
        429,
    ]


@pytest.mark.parametrize(
    "stranger",
    [
        {"token": "wrong"},
        {"token": "pe_0000_wrong"},
        {"token": None},
        {"token": None, "path": "/deliveries", "headers": {"dapr-api-token": "wrong"}},
        {"token": None, "path": "/callbacks/unknown", "method": "POST", "json": {}},
    ],
)
def test_strangers_are_counted_by_their_address(narrow: Flask, stranger: dict[str, Any]) -> None:
    token = stranger.pop("token")

    first = statuses(narrow, token, 2, **stranger)
    again = statuses(narrow, token, 2, **stranger)

    assert set(first) <= {401, 403}
    assert again == [429, 429]
    assert statuses(narrow, token, 1, address="192.0.2.2", **stranger) == first[:1]
    assert statuses(narrow, ALICE, 1) == [200], "who is known is not held up by them"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
def test_a_forged_address_is_no_other_address(narrow: Flask, header: str) -> None:
    def forged(number: int) -> int:
        headers = {header: f"1.1.1.{number}"}
        return int(ask(narrow, "wrong", headers=headers).status_code)

    assert [forged(number) for number in range(5)] == [401] * 2 + [429] * 3


def test_an_ipv6_network_is_one_source(narrow: Flask) -> None:
    found = [ask(narrow, "wrong", address=f"2001:db8::{n:x}").status_code for n in range(4)]

    assert found == [401, 401, 429, 429]
    assert statuses(narrow, "wrong", 1, address="2001:db8:0:1::1") == [401]


def test_health_is_never_refused(narrow: Flask) -> None:
    statuses(narrow, "wrong", 3)

    for path in ("/health", "/ready", "/"):
        assert statuses(narrow, None, 4, path=path) == [200] * 4


def test_all_processes_share_the_buckets(narrow: Flask, web_settings: Settings, app_with) -> None:
    other = app_with(replace(web_settings, rate_limit=3, rate_limit_seconds=HOUR))

    assert statuses(narrow, ALICE, 2) + statuses(other, ALICE, 2) == [200, 200, 200, 429]


def test_while_redis_is_away_each_process_keeps_the_limit(
    web_settings: Settings, app_with: MadeApp
) -> None:
    alone = app_with(
        replace(
            web_settings,
            redis_url="redis://127.0.0.1:1/0",
            rate_limit=3,
            address_rate_limit=2,
            rate_limit_seconds=HOUR,
        )
    )

    assert statuses(alone, ALICE, 5) == [200] * 3 + [429] * 2
    assert statuses(alone, "wrong", 3) == [401] * 2 + [429]


def test_no_limit_is_a_limit_of_nothing(web_settings: Settings, app_with: MadeApp) -> None:
    free = app_with(replace(web_settings, rate_limit=0, address_rate_limit=0))

    assert statuses(free, ALICE, 3) == [200] * 3
    assert "X-RateLimit-Limit" not in ask(free, ALICE).headers


@pytest.mark.parametrize("is_away", [False, True])
def test_a_bucket_fills_again(settings: Settings, redis: redis_client.Redis, is_away: bool) -> None:
    url = "redis://127.0.0.1:1/0" if is_away else settings.redis_url
    limits = RateLimits(make_redis(replace(settings, redis_url=url)), "pe:rate:", 2, 0.2)

    def is_given() -> bool:
        taken = limits.take("somebody")
        return taken is not None and taken.is_given

    given = [is_given() for _ in range(3)]
    wait_until(is_given, what="another token")

    assert given[:2] == [True, True]


def test_a_bucket_that_nobody_uses_is_forgotten(
    settings: Settings, redis: redis_client.Redis
) -> None:
    RateLimits(make_redis(settings), "pe:rate:", 10, 60).take("somebody")

    assert 0 < redis.ttl("pe:rate:somebody") <= 61


def test_the_door_believes_no_more_proxies_than_there_are(app: Flask) -> None:
    """uvicorn would believe whoever calls from this machine."""
    echo = Flask("echo")

    @echo.route("/")
    def whence() -> dict[str, str | None]:
        return {"from": request.remote_addr}

    forged = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    with running_door(echo) as site:
        assert site.get("/", **forged).json == {"from": "127.0.0.1"}
    with running_door(echo, Limits(trusted_proxies=1)) as site:
        assert site.get("/", **forged).json == {"from": "203.0.113.9"}


def test_who_tries_tokens_on_the_sign_in_page_is_told_to_come_back_on_a_page(narrow: Flask) -> None:
    browser = narrow.test_client()
    (csrf,) = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/console/sign-in").text)

    def tried(token: str) -> Any:
        form = {"csrf": csrf, "token": token}
        return browser.post("/console/sign-in", data=form, headers={"Origin": "http://localhost"})

    refused = [tried("wrong") for _ in range(3)]

    assert [answer.status_code for answer in refused] == [401, 401, 429]
    assert refused[-1].mimetype == "text/html"
    assert int(refused[-1].headers["Retry-After"]) > 0
    assert tried(ALICE).status_code == 303  # whoever knows a token is not held up by others
