from __future__ import annotations

import pytest
from support.contexts import RecordingDoor, a_context, an_event

from pipeline_engine.sdk import (
    ActionError,
    ActionMeta,
    InvalidActionParams,
    NullEngine,
    OutcomeUnknown,
    ServiceError,
    path_segment,
    settings,
)


@pytest.mark.parametrize(
    ("facts", "user"),
    [
        ({"user_id": "proved", "workflow_params": {"user_id": "named"}}, "proved"),
        ({"workflow_params": {"user_id": "named"}, "system_user_id": "system"}, "named"),
        ({"params": {"user_id": "forged"}, "system_user_id": "system"}, "system"),
        ({}, None),
    ],
)
def test_peers_act_for_the_proved_user_and_never_for_one_that_a_step_names(facts, user):
    params = facts.pop("params", {})

    assert a_context(params, **facts).acting_user_id == user


def test_progress_stays_between_nothing_and_everything():
    door = RecordingDoor()
    context = a_context(engine=door)

    for percentage in (-5, 50, 150):
        context.progress(percentage)

    assert door.progress == [0, 50, 100]


def test_a_context_without_an_engine_can_still_be_alive_but_reaches_nothing():
    context = a_context()

    context.heartbeat()
    with pytest.raises(ActionError, match="No engine"):
        context.invoke_service("budapp", "x")
    with pytest.raises(ActionError, match="No engine"):
        an_event({}).invoke_service("budapp", "x")
    with pytest.raises(ActionError, match="No engine"):
        context.publish_notification({})


def test_neither_the_callback_nor_the_engine_is_in_the_text_that_a_log_line_would_show():
    assert "secret-token" not in repr(a_context(callback_url="https://e/callbacks/secret-token"))


@pytest.mark.parametrize(
    ("value", "segment"), [("a-1", "a-1"), ("a/b", "a%2Fb"), ("a?b#c", "a%3Fb%23c"), (7, "7")]
)
def test_an_id_stays_within_its_part_of_the_path(value, segment):
    assert path_segment(value) == segment


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_an_id_that_would_move_the_path_is_refused(value):
    with pytest.raises(InvalidActionParams):
        path_segment(value)


def test_the_seed_guide_finds_the_names_of_services_where_it_looks_for_them():
    assert (settings.budapp_app_id, settings.budcluster_app_id) == ("budapp", "budcluster")


def test_an_action_asks_for_its_callback_address_and_gets_it_once():
    class Signing(RecordingDoor):
        asked = 0

        def callback_url(self) -> str:
            self.asked += 1
            return "https://engine/callbacks/signed"

    door = Signing()
    context = a_context(engine=door)

    assert {context.callback_url for _ in range(3)} == {"https://engine/callbacks/signed"}
    assert door.asked == 1
    assert "signed" not in repr(context)
    assert a_context().callback_url == ""


class Failing(NullEngine):
    """An engine whose calls fail in one way."""

    def __init__(self, error: ServiceError) -> None:
        self.error = error

    def invoke_service(self, *_: object, **__: object) -> object:
        raise self.error


SILENT = ServiceError("no answer", may_be_done=True)
REFUSED = ServiceError("no", status=422, retryable=False)


@pytest.mark.parametrize(
    ("error", "may_repeat", "told"),
    [
        (SILENT, False, OutcomeUnknown),
        (SILENT, True, ServiceError),
        (REFUSED, False, ServiceError),
    ],
)
def test_what_a_peer_may_have_started_is_not_started_again(error, may_repeat, told):
    context = a_context(engine=Failing(error), may_repeat=may_repeat)

    with pytest.raises(ServiceError) as raised:
        context.start_once("budapp", "models/deploy-workflow")

    assert type(raised.value) is told
    assert raised.value.retryable == (told is ServiceError and error.retryable)


@pytest.mark.parametrize(
    ("idempotent", "keys_at", "honoured", "repeats"),
    [
        (True, (), (), True),
        (True, ("budapp",), (), False),
        (True, ("budapp", "budsim"), ("budapp",), False),
        (True, ("budapp",), ("budsim", "budapp"), True),
        (False, ("budapp",), ("budapp",), False),
    ],
)
def test_an_action_that_needs_the_keys_of_a_peer_repeats_where_that_honours_them(
    idempotent, keys_at, honoured, repeats
):
    meta = ActionMeta("a", "A", "Tests", "Tests.", idempotent=idempotent, needs_keys_at=keys_at)

    assert meta.may_repeat(honoured) is repeats
