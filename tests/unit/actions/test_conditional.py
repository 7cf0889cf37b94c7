from __future__ import annotations

import pytest
from pipeline_engine_actions.builtin.conditional import META, Conditional
from support.contexts import a_context

from pipeline_engine.sdk import InvalidActionParams

BRANCHES = [
    {"id": "a", "label": "Large", "condition": "{{ params.n > 8 }}", "target_step": "big"},
    {"id": "b", "condition": "params.n > 4", "target_step": "medium"},
    {"id": "c", "target_step": "small"},
]


def chosen(branches, **params):
    return Conditional().execute(a_context({"branches": branches}, scope={"params": params}))


@pytest.mark.parametrize(
    ("n", "branch", "label", "skipped"),
    [
        (9, "a", "Large", ("medium", "small")),
        (5, "b", "b", ("big", "small")),
        (1, "c", "c", ("big", "medium")),
    ],
)
def test_the_first_branch_that_holds_is_taken_and_the_targets_of_the_others_are_skipped(
    n, branch, label, skipped
):
    result = chosen(BRANCHES, n=n)

    assert result.outputs["matched_branch"] == result.outputs["branch"] == branch
    assert result.outputs["matched_label"] == result.outputs["result"] == label
    assert result.skip_targets == skipped


def test_nothing_matching_is_a_success_that_skips_every_target():
    result = chosen(BRANCHES[:2], n=0)

    assert result.success
    assert result.outputs == {
        "result": None,
        "branch": "none",
        "matched_branch": None,
        "matched_label": "none",
        "target_step": None,
    }
    assert result.skip_targets == ("big", "medium")


@pytest.mark.parametrize("flag", [True, False])
def test_a_condition_that_is_a_bare_boolean_reference_matches_as_the_reference_service_never_did(
    flag,
):
    branches = [{"id": "yes", "condition": "{{ params.flag }}"}, {"id": "no"}]

    assert chosen(branches, flag=flag).outputs["branch"] == ("yes" if flag else "no")


def test_a_branch_that_cannot_be_evaluated_is_passed_over():
    branches = [{"id": "broken", "condition": "{{ params. }}"}, {"id": "else"}]

    assert chosen(branches).outputs["branch"] == "else"


def test_a_target_that_two_branches_share_is_not_skipped_when_one_of_them_is_taken():
    branches = [
        {"id": "a", "condition": "false", "target_step": "next"},
        {"id": "b", "condition": "true", "target_step": "next"},
    ]

    assert chosen(branches).skip_targets == ()


@pytest.mark.parametrize(
    ("condition", "branch"),
    [
        ("{{ params.p > 5 }}", "false"),
        ("{{ params.p > 1 }}", "true"),
        (False, "false"),
        (True, "true"),
    ],
)
def test_the_legacy_form_judges_the_value_and_not_the_text_false(condition, branch):
    params = {"condition": condition, "true_result": {"go": 1}}

    result = Conditional().execute(a_context(params, scope={"params": {"p": 3}}))

    assert result.outputs["branch"] == result.outputs["matched_branch"] == branch
    assert result.outputs["result"] == ({"go": 1} if branch == "true" else {"branch": "false"})
    assert result.skip_targets == ()


def test_every_path_has_the_same_outputs():
    paths = [chosen(BRANCHES, n=9), chosen(BRANCHES[:1], n=0), chosen([])]

    assert {frozenset(path.outputs) for path in paths} == {
        frozenset(output.name for output in META.outputs)
    }


def test_validation_names_what_a_branch_lacks():
    problems = Conditional().validate_params({"branches": ["x", {"label": "l"}]})

    assert problems == [
        "Branch 0 must be a dictionary",
        "Branch 1 missing 'id' field",
        "Branch 1 missing 'condition' field",
    ]


def test_branches_that_are_no_objects_fail_with_words():
    with pytest.raises(InvalidActionParams):
        chosen(["x"])
