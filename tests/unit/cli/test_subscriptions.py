"""``pipeline-engine subscriptions``: a secret on its own line, and what became of messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.local_service import Answer, LocalService, local_service

from pipeline_engine.cli import main

ID = "01a20113-2f6a-7b11-8e55-1c2d3e4f5a6b"
PATH = "/api/v1/subscriptions"
AT = "2026-01-31T10:00:00+00:00"
ONE: dict[str, Any] = {
    "id": ID,
    "name": "everything",
    "reach": "owner",
    "execution_id": None,
    "pipeline_id": None,
    "event_types": None,
    "target": {"type": "http", "url": "https://hooks.example/in"},
    "format": "event",
    "status": "failed",
    "reason": "receiver_away",
    "waiting": 3,
    "dead": 1,
    "last_sent_at": None,
    "last_failed_at": AT,
    "last_error": "HTTP 503",
    "next_try_at": None,
    "expires_at": None,
    "old_secret_until": AT,
}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "event_type": "step_failed",
    "status": "dead",
    "attempts": 2,
    "note": "2 tries have failed",
    "tries": [{"at": AT, "seconds": 0.25, "status_code": 503, "error": "HTTP 503"}],
    "settled_at": AT,
    "created_at": AT,
}


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as made:
        page = {"pagination": {"total_pages": 1}}
        made.answer(f"GET {PATH}", {"subscriptions": [ONE], **page})
        made.answer(f"GET {PATH}/{ID}", ONE)
        made.answer(f"POST {PATH}", ONE | {"secret": "whsec_abc"}, status=201)
        made.answer(f"POST {PATH}/{ID}/rotate-secret", ONE | {"secret": "whsec_def"})
        made.answer(f"POST {PATH}/{ID}/resume", ONE | {"status": "active", "reason": None})
        made.answer(f"GET {PATH}/{ID}/messages", {"messages": [MESSAGE], **page})
        made.answer(f"POST {PATH}/{ID}/replay", {"position": "7-1"}, status=202)
        made.answer(f"POST {PATH}/{ID}/messages/msg_1/replay", MESSAGE, status=202)
        made.answer(f"POST {PATH}/{ID}/test", MESSAGE | {"status": "waiting"}, status=202)
        yield made


def invoke(service: LocalService, *arguments: str) -> Result:
    environment = {"PIPELINE_API_TOKEN": "", "COLUMNS": "200"}
    line = ["subscriptions", *arguments, "--url", service.url]
    return CliRunner().invoke(main, line, env=environment)


def test_the_secret_of_a_new_one_is_all_that_standard_output_has(service: LocalService) -> None:
    result = invoke(
        service, "create", "https://hooks.example/in", "--name", "x", "--event", "step_failed"
    )

    assert result.stdout == "whsec_abc\n"
    assert ID in result.stderr
    assert service.received[-1].body == {
        "target": {"type": "http", "url": "https://hooks.example/in"},
        "format": "event",
        "name": "x",
        "event_types": ["step_failed"],
    }


@pytest.mark.parametrize("given", [[], ["https://hooks.example/in", "--channel", "live"]])
def test_a_subscription_goes_to_one_place(service: LocalService, given: list[str]) -> None:
    result = invoke(service, "create", *given)

    assert result.exit_code == 2
    assert "Say where to" in result.stderr


def test_one_is_found_by_its_name_and_says_how_it_stands(service: LocalService) -> None:
    listed, shown = invoke(service, "list"), invoke(service, "show", "everything")

    assert "failed (receiver_away)" in listed.stdout
    assert "3 waiting, 1 dead" in shown.stdout
    assert "HTTP 503" in shown.stdout
    assert "is active" in invoke(service, "resume", "everything").stdout
    assert "no subscription 'nothing'" in invoke(service, "show", "nothing").stderr


def test_a_test_says_what_came_of_it_and_ends_badly_if_it_was_not_sent(
    service: LocalService,
) -> None:
    waits, dead = Answer(body=MESSAGE | {"status": "waiting"}), Answer(body=MESSAGE)
    sent = Answer(body=MESSAGE | {"status": "sent"})
    service.answer_in_turn(f"GET {PATH}/{ID}/messages/msg_1", waits, dead, sent)

    failed, worked = invoke(service, "test", ID), invoke(service, "test", ID)

    assert (failed.exit_code, failed.stdout) == (1, "not sent: 2 tries have failed\n")
    assert (worked.exit_code, worked.stdout) == (0, "sent in 0.25 s\n")


def test_messages_are_listed_and_sent_again_one_or_all(service: LocalService) -> None:
    listed = invoke(service, "messages", "everything", "--status", "dead")
    one = invoke(service, "replay", "everything", "--message", "msg_1")
    since = invoke(service, "replay", "everything", "--since", AT)
    neither = invoke(service, "replay", "everything")

    assert "HTTP 503" in listed.stdout
    assert [r.stdout for r in (one, since)] == ["about to be sent again\n"] * 2
    assert service.received[-1].body == {"since": AT}
    assert neither.exit_code == 2


def test_a_new_secret_is_printed_with_the_end_of_the_one_before(service: LocalService) -> None:
    result = invoke(service, "rotate-secret", "everything", "--overlap", "2h")

    assert result.stdout == "whsec_def\n"
    assert service.received[-1].body == {"overlap_seconds": 7200}
