"""Who may approve is a name, and no text that holds none."""

from __future__ import annotations

import pytest

from pipeline_engine.domain.checks import check
from pipeline_engine.registry import Registry
from pipeline_engine.services.actions import Catalogue


@pytest.mark.parametrize(
    ("approvers", "codes"),
    [
        ("  ", ["pattern_mismatch"]),
        (" \n", ["pattern_mismatch"]),
        ("ann", []),
        (["ann"], []),
        ([], []),
        ("{{ params.who }}", []),
    ],
)
def test_a_blank_approver_is_refused_when_the_pipeline_is_saved(approvers, codes):
    step = {"id": "a", "name": "A", "action": "approval", "params": {"approvers": approvers}}
    document = {"name": "x", "parameters": [{"name": "who"}], "steps": [step]}

    report = check(document, Catalogue(Registry.discover()))

    assert [issue.code for issue in report.errors] == codes
