"""What the model of a rule is follows from its id and the endpoints of the project."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline_engine.guardrails.rules.model_status import counts, derive, onboarded

PROBE = {"id": "p1", "name": "Toxicity"}
#: requires_onboarding, requires_deployment, can_reuse, show_warning
NEEDS = {
    "not_onboarded": (True, True, False, False),
    "onboarded": (False, True, False, False),
    "running": (False, False, True, False),
    "unhealthy": (False, False, True, True),
    "deploying": (False, False, True, False),
    "pending": (False, False, True, False),
    "failure": (False, True, False, False),
    "deleting": (False, True, False, False),
}


def a_rule(**facts: Any) -> dict[str, Any]:
    return {"id": "r1", "name": "One", "model_uri": "org/one", "model_id": None, **facts}


def an_endpoint(status: str, **facts: Any) -> dict[str, Any]:
    return {"id": "e1", "name": "one-1", "status": status, "model_id": "m1", **facts}


def statuses(*rules: dict[str, Any], endpoints: Any = (), selected: Any = None) -> list[Any]:
    selection = {"id": "p1", **({} if selected is None else {"rules": selected})}
    return derive([(selection, {**PROBE, "rules": list(rules)})], endpoints, {})


@pytest.mark.parametrize("state", NEEDS)
def test_each_state_needs_what_the_design_says(state: str) -> None:
    rule = a_rule(model_id=None if state == "not_onboarded" else "m1")
    endpoints = [] if state in ("not_onboarded", "onboarded") else [an_endpoint(state)]

    (one,) = statuses(rule, endpoints=endpoints)

    needs = (one.requires_onboarding, one.requires_deployment, one.can_reuse, one.show_warning)
    assert (one.status, needs) == (state, NEEDS[state])


@pytest.mark.parametrize("odd", [{"a": 1}, ["a"], True, ""])
def test_what_is_no_text_says_nothing_and_a_number_is_one(odd: Any) -> None:
    rule = a_rule(name=odd, model_id=7, model_provider_type=odd)
    endpoint = an_endpoint("running", id=3, url=odd, model_id=7, cluster={"id": odd, "name": 4})

    (one,) = statuses(rule, a_rule(model_uri=odd), endpoints=[endpoint])

    assert (one.rule_name, one.model_provider_type, one.model_id) == (None, "hugging_face", "7")
    assert (one.endpoint_id, one.endpoint_url, one.cluster_id) == ("3", None, None)
    assert one.cluster_name == "4"


def test_of_several_endpoints_of_a_model_the_one_that_serves_counts() -> None:
    endpoints = [
        an_endpoint("failure", id="e1"),
        an_endpoint("running", id="e2", cluster={"id": "c1", "name": "west"}),
        an_endpoint("running", id="e3", model_id="another"),
    ]

    (one,) = statuses(a_rule(model_id="m1"), endpoints=endpoints)

    assert (one.endpoint_id, one.cluster_name) == ("e2", "west")


def test_an_endpoint_in_a_state_that_nobody_knows_serves_nothing() -> None:
    (one,) = statuses(a_rule(model_id="m1"), endpoints=[an_endpoint("deleted")])

    assert (one.status, one.endpoint_id) == ("onboarded", None)


def test_what_a_rule_was_linked_to_goes_before_what_budapp_says() -> None:
    pairs = [({"id": "p1"}, {**PROBE, "rules": [a_rule(model_id="old")]})]

    (one,) = derive(pairs, [an_endpoint("running")], {"r1": "m1"})

    assert (one.model_id, one.status) == ("m1", "running")


@pytest.mark.parametrize(
    ("selected", "wanted"),
    [
        (None, ["on"]),
        ([], ["on"]),
        ([{"id": "on"}, {"id": "off"}], ["on", "off"]),
        ([{"id": "off", "status": "active"}], ["off"]),
        ([{"id": "on", "status": "disabled"}], []),
    ],
)
def test_a_selection_without_rules_means_all_that_are_on(selected: Any, wanted: Any) -> None:
    rules = [a_rule(id="on"), a_rule(id="off", status="disabled"), a_rule(id="no", model_uri=None)]

    assert [one.rule_id for one in statuses(*rules, selected=selected)] == wanted


@pytest.mark.parametrize(
    ("states", "skip_to_step", "credential_required"),
    [
        ([], 9, False),
        (["running", "unhealthy"], 9, False),
        (["onboarded", "running"], 6, False),
        (["not_onboarded", "running"], None, True),
    ],
)
def test_what_all_models_need_says_where_to_go_on(
    states: list[str], skip_to_step: int | None, credential_required: bool
) -> None:
    names = ("requires_onboarding", "requires_deployment", "can_reuse")
    told = counts([dict(zip(names, NEEDS[state], strict=False)) for state in states])

    assert (told["skip_to_step"], told["credential_required"]) == (
        skip_to_step,
        credential_required,
    )


def test_a_model_that_is_onboarded_is_that_of_all_rules_that_name_it() -> None:
    before = [one.document() for one in statuses(a_rule(id="r1"), a_rule(id="r2"))]

    after = onboarded(before, [{"rule_id": "r1", "model_uri": "org/one", "model_id": "m1"}])

    assert [one["model_id"] for one in after] == ["m1", "m1"]
    assert not any(one["requires_onboarding"] for one in after)
    assert all(one["requires_deployment"] for one in after)
