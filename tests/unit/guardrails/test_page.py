"""The page of the guardrail workflow names its steps, pipelines, errors and routes as they are."""

from __future__ import annotations

import re

from support.documentation import DOCS, table, words

from pipeline_engine.config import setting_names
from pipeline_engine.demo.peers.server import PATTERNS
from pipeline_engine.guardrails.rules.inputs import PIPELINES
from pipeline_engine.guardrails.rules.steps import FIELDS, Step

PAGE = DOCS / "guardrails.md"
ERRORS = DOCS / "reference" / "errors.md"
STEP = re.compile(r"^\| (\d+) ([a-z ]+) \|([^|]*)\|[^|]*\|([^|]*)\|$", re.MULTILINE)

#: Words in the lines of the steps that are no fields of theirs.
VALUES = {"dedicated", "shared", "recommended_clusters"}


def test_every_step_has_its_line_with_its_fields_and_its_pipeline() -> None:
    lines = STEP.findall(PAGE.read_text(encoding="utf-8"))

    assert [int(number) for number, *_ in lines] == list(Step)
    for (_, name, said, starts), step in zip(lines, Step, strict=True):
        assert name.replace(" ", "_") == step.name.lower()
        fields = FIELDS[step] or (("trigger_workflow",) if step is Step.DEPLOYMENT else ())
        assert words(said) - VALUES == {*fields}
        assert words(starts) <= {PIPELINES.get(step), PIPELINES[Step.CLUSTER_RECOMMENDATION]}


def test_every_pipeline_says_what_is_undone() -> None:
    assert list(table(PAGE, "Cancel")) == list(PIPELINES.values())


def test_every_error_of_a_workflow_has_its_line_with_its_status() -> None:
    known = {code: cells[0] for code, cells in table(ERRORS, "Error codes").items()}

    told = {code: cells[0] for code, cells in table(PAGE, "Errors").items()}

    assert told.items() <= known.items()
    assert {code for code in known if "guardrail" in code} <= told.keys()


def test_every_setting_that_is_named_is_there() -> None:
    assert set(table(PAGE, "Settings")) <= set(setting_names())


def test_every_route_that_peers_serve_is_one_of_the_stand_ins() -> None:
    served = {line.replace("{id}", "some-id") for line in table(PAGE, "What peers serve")}

    assert len(served) == 25
    for route in served:
        method, path = route.split()
        assert any(method == one and pattern.fullmatch(path) for one, pattern, _ in PATTERNS), route
