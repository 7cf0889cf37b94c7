"""What holds for the check whatever the document is."""

from __future__ import annotations

import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.definitions.documents import a_document, a_step, checked

from pipeline_engine.domain.checks.structure import HANDLER_FIELDS, ROOT
from pipeline_engine.domain.definitions import parse

WORDS = st.sampled_from(
    [
        *ROOT, *HANDLER_FIELDS,
        "branches", "target_step", "items", "at_least", "max_attempts", "a", "b", "log",
        "conditional", "fetch", "url", "retry", "all_done", "on_failure", "finally",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    WORDS,
    st.text(max_size=20),
    st.sampled_from(
        ["{{ params.p }}", "{{ steps.a.outputs.x }}", "{{", "}}", "{% raw %}", "{{ item | x }}"]
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=30,
)


def steps_of(**work: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Steps that are more or less right, and do this."""
    named = st.fixed_dictionaries({"id": TEXTS, "name": TEXTS, **work})
    more = st.dictionaries(WORDS, ANY_JSON, max_size=4)
    step = st.builds(lambda given, fields: {**fields, **given}, named, more)
    return st.lists(step | ANY_JSON, max_size=4)


SIMPLE = steps_of(action=TEXTS)
STEPS = SIMPLE | steps_of(steps=SIMPLE)
DOCUMENTS = ANY_JSON | st.fixed_dictionaries(
    {"name": TEXTS, "steps": STEPS},
    optional={"parameters": ANY_JSON, "settings": ANY_JSON, "outputs": ANY_JSON},
)


@given(DOCUMENTS)
@settings(max_examples=400, deadline=None)
def test_a_check_never_raises_and_what_is_valid_can_be_parsed(document):
    report = checked(document)

    assert report.valid == (not report.errors)
    if report.valid:
        definition = parse(document)
        assert len(definition.steps) + len(definition.enclosing) == report.step_count


def test_a_type_that_is_no_word_is_an_error_and_no_crash():
    report = checked(a_document(a_step(), parameters=[{"name": "p", "type": ["string"]}]))

    assert [issue.pointer for issue in report.errors] == ["/parameters/0/type"]


@st.composite
def dags(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Steps that refer to their dependencies, in any order of definition."""
    count = draw(st.integers(1, 12))
    steps = []
    for number in range(count):
        below = [f"s{other}" for other in range(number)]
        found = draw(st.lists(st.sampled_from(below), unique=True)) if below else []
        message = "".join(f"{{{{ steps.{name}.outputs.message }}}}" for name in found)
        steps.append(a_step(f"s{number}", depends_on=found, params={"message": message}))
    return draw(st.permutations(steps))


@given(dags())
@settings(deadline=None)
def test_every_graph_without_a_circle_is_valid(steps):
    report = checked(a_document(*steps))

    assert report.errors == ()
    assert {warning.code for warning in report.warnings} <= {"undeclared_output"}
    assert report.step_count == len(steps)
    assert len(parse(a_document(*steps)).graph.topological_order()) == len(steps)


def test_a_definition_of_2000_steps_and_10000_edges_is_checked_in_seconds():
    steps = [
        a_step(
            f"s{n}",
            depends_on=[f"s{d}" for d in range(max(0, n - 5), n)],
            params={"message": f"{{{{ steps.s{n // 2}.outputs.x }}}}" if n else "start"},
        )
        for n in range(2000)
    ]
    start = time.perf_counter()

    report = checked(a_document(*steps))

    assert report.valid
    assert time.perf_counter() - start < 10


def test_a_document_full_of_typing_errors_is_checked_in_seconds():
    steps = [
        a_step(f"step-{n}", depends_on=[f"stpe-{n}"], action=f"lag{n}", colour=n)
        for n in range(2000)
    ]
    start = time.perf_counter()

    report = checked(a_document(*steps))

    assert not report.valid
    assert time.perf_counter() - start < 10
