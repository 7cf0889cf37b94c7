from __future__ import annotations

from pipeline_engine_actions.builtin.validate import Validate
from support.contexts import a_context

RULES = [
    {"condition": "{{ params.replicas <= 8 }}", "message": "{{ params.replicas }} are too many"},
    {"condition": "params.name is defined"},
]


def validated(rules, *, fail_on_error=True, **params):
    given = {"rules": rules, "fail_on_error": fail_on_error}
    return Validate().execute(a_context(given, scope={"params": params}))


def test_rules_that_hold_say_nothing():
    result = validated(RULES, replicas=2, name="x")

    assert (result.success, result.outputs) == (True, {"valid": True, "errors": []})


def test_every_broken_rule_is_named_at_once():
    result = validated(RULES, replicas=9)

    assert (result.success, result.error_code) == (False, "validation_failed")
    assert result.outputs["errors"] == [
        "9 are too many",
        "Rule 1 does not hold: params.name is defined",
    ]


def test_broken_rules_can_be_reported_without_failing():
    result = validated(RULES, fail_on_error=False, replicas=9)

    assert (result.success, result.outputs["valid"]) == (True, False)


def test_rules_without_a_shape_always_fail_because_nothing_was_checked():
    result = validated(["x"], fail_on_error=False)

    assert (result.success, result.outputs["valid"]) == (False, False)
    assert result.error == "Rule 0 must be an object with a condition"
