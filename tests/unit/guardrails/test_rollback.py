"""What was taken back is told from the handlers and compensations that did it."""

from __future__ import annotations

from typing import Any

from pipeline_engine.guardrails.rules.rollback import Undone, result

NOTHING: dict[str, list[str]] = {
    "deployments": [],
    "redis_keys": [],
    "endpoints": [],
    "profiles": [],
}


def undone(step_id: str, *errors: str, has_failed: bool = False, **cleaned: Any) -> Undone:
    outputs = {"cleaned_up": NOTHING | cleaned, "errors": list(errors)}
    return Undone(step_id, has_failed or bool(errors), outputs, None)


def test_nothing_to_take_back_is_a_success() -> None:
    told = result([], None)

    assert told == {"status": "success", "cleaned_up": NOTHING, "kept": {}, "errors": []}


def test_what_was_there_before_is_told_as_kept() -> None:
    step = Undone(
        "rollback", False, {"preserved": {"profiles": ["p"], "onboarded_models": []}}, None
    )

    assert result([step], None)["kept"] == {"profiles": ["p"]}


def test_what_peers_have_answered_may_be_anything() -> None:
    step = Undone("rollback", True, {"cleaned_up": 1, "errors": "no", "preserved": []}, None)

    assert result([step], "what")["errors"] == ["rollback: it has failed"]


def test_what_several_steps_have_taken_back_is_one_list() -> None:
    steps = [
        undone("compensate:create_profile", profiles=["p"]),
        undone("rollback", profiles=["p"], endpoints=["e"]),
    ]

    told = result(steps, [])

    assert told["status"] == "success"
    assert told["cleaned_up"] == NOTHING | {"profiles": ["p"], "endpoints": ["e"]}


def test_what_is_left_makes_it_partial_and_nothing_done_an_error() -> None:
    some = result([undone("rollback", "no way", profiles=["p"])], [])
    none = result([Undone("rollback", True, {}, "The service is away")], [])

    assert (some["status"], some["errors"]) == ("partial", ["no way"])
    assert (none["status"], none["errors"]) == ("error", ["rollback: The service is away"])


def test_a_compensation_that_never_began_is_told_once() -> None:
    left = [
        {"step_id": "create_profile", "code": "aborted", "message": "All was stopped"},
        {"step_id": "deploy_models", "code": "x", "message": "told by itself"},
    ]
    steps = [undone("compensate:deploy_models", "e1 is left")]

    assert result(steps, left)["errors"] == ["e1 is left", "create_profile: All was stopped"]


def test_what_a_compensation_could_not_do_and_the_handler_could_is_no_error() -> None:
    steps = [
        undone("compensate:create_profile", "Failed to delete profile p: HTTP 503"),
        undone("rollback", profiles=["p"]),
    ]

    told = result(steps, [{"step_id": "create_profile", "message": "HTTP 503"}])

    assert (told["status"], told["errors"]) == ("success", [])
