"""What is behind an entry that speaks of all that it speaks of never decides."""

from __future__ import annotations

from typing import Any

import pytest
from unit.definitions.documents import a_document, a_step, checked


def never_reached(document: dict[str, Any]) -> list[str]:
    report = checked(document)
    assert report.valid, report.errors
    return [issue.pointer for issue in report.warnings if issue.code == "never_reached"]


@pytest.mark.parametrize(
    ("errors", "shadowed"),
    [
        (["*", "http_404"], [1]),
        (["http_404", "*"], []),
        (["http_4xx", ["http_404", "http_410"]], [1]),
        (["http_4xx", ["http_404", "timeout"]], []),
        (["http_error", "http_5xx"], []),
        (["quota_*", "quota_a*", "quota_*"], [1, 2]),
        (["http_404", "timeout", ["http_404", "timeout"]], [2]),
        (["*", "outcome_unknown"], [1]),
    ],
)
def test_an_entry_of_catch_is_not_reached_behind_those_that_take_all_it_names(errors, shadowed):
    document = a_document(a_step("a", catch=[{"errors": one, "outputs": {}} for one in errors]))

    assert never_reached(document) == [f"/steps/0/catch/{index}" for index in shadowed]


@pytest.mark.parametrize(
    ("policies", "shadowed"),
    [
        ([{}, {"retry_on": ["http_503"]}], [1]),
        ([{}, {}], [1]),
        ([{"retry_on": ["http_503"]}, {}], []),
        ([{"no_retry_on": ["http_404"]}, {"retry_on": ["http_404"]}], []),
        ([{}, {"retry_on": ["outcome_unknown"]}], []),
        ([{"retry_on": ["outcome_unknown"]}, {"retry_on": ["outcome_unknown"]}], [1]),
    ],
)
def test_a_policy_is_not_reached_behind_those_that_try_all_it_names_again(policies, shadowed):
    quick = [{"max_attempts": 2, **policy} for policy in policies]
    document = a_document(
        a_step("a", retry=quick, compensate={"action": "log", "params": {}, "retry": quick}),
        settings={"retry_policy": quick},
    )

    places = ("/settings/retry_policy", "/steps/0/retry", "/steps/0/compensate/retry")
    assert never_reached(document) == [f"{place}/{index}" for place in places for index in shadowed]
