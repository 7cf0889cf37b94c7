"""What the store takes, and which secrets a definition speaks of."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline_engine.domain.masking import MASK
from pipeline_engine.domain.secret_store import NAME, Named, named_in, problems_of_value

PEM = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBg\n" * 200 + "-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "too_short"),
        ("a", "too_short"),
        ("true", "too_short"),
        ("test", "too_short"),
        ("  five5  ", "too_short"),
        (MASK, "is_the_mask"),
        (f"Bearer {MASK}", "is_the_mask"),
        ("é" * 32_769, "too_long"),
    ],
)
def test_what_could_not_be_hidden_or_is_no_secret_is_refused_without_being_repeated(
    value: str, code: str
) -> None:
    (problem,) = problems_of_value(value)

    assert (problem.pointer, problem.code) == ("/value", code)
    assert len(value) < 6 or value not in f"{problem.message} {problem.hint}"


@pytest.mark.parametrize("value", ["123456", PEM, 'p@ss/wörd"\n1', "é" * 32_768])
def test_any_other_text_is_kept(value: str) -> None:
    assert not [*problems_of_value(value)]


@pytest.mark.parametrize("name", ["Token", "1st", "_x", "a-b", "a.b", "tökén", "a" * 101, ""])
def test_a_name_is_what_a_template_can_say(name: str) -> None:
    assert NAME.fullmatch("git_token2")
    assert not NAME.fullmatch(name)


def says(value: Any, **fields: Any) -> dict[str, Any]:
    return {"name": "n", "steps": [{"id": "a", "params": {"p": value}, **fields}]}


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (says("{{ secrets.one }} and {{ params.secrets.x }}"), {"one", "x"}),
        (says(["{{ secrets['one'] ~ secrets[ \"two\" ] }}"]), {"one", "two"}),
        (says({"{{ secrets . one }}": 1}), {"one"}),
        (says("x", condition="secrets.one is defined"), {"one"}),
        (says("x", steps=[{"id": "b", "params": {"q": "{{ secrets.inner }}"}}]), {"inner"}),
        ({"steps": [], "settings": {"finally": [{"params": "{{ secrets.end }}"}]}}, {"end"}),
        (says({"name": "{{ secrets.one }}", "description": ["{{ secrets.two }}"]}), {"one", "two"}),
        (says("x", outputs={"id": "{{ secrets.one }}"}), {"one"}),
        (says("x", catch=[{"outputs": {"name": "{{ secrets.one }}"}}]), {"one"}),
        (says("{{ (secrets).one ~ ((secrets) )['two'] }}"), {"one", "two"}),
        ({"steps": [], "description": "uses {{ secrets.none }}"}, set()),
        (says("x", steps=[{"name": "no {{ secrets.none }}"}]), set()),
        ({"settings": {"finally": [{"name": "no {{ secrets.none }}"}]}}, set()),
        (says("the secrets of the house"), set()),
        (says("x"), set()),
    ],
)
def test_the_secrets_that_a_definition_speaks_of_are_found_wherever_they_stand(
    document: dict[str, Any], named: set[str]
) -> None:
    assert named_in(document) == Named(frozenset(named))


@pytest.mark.parametrize("computed", ["secrets[params.which]", "secrets['a' ~ 'b']", "secrets[x]"])
def test_a_name_that_is_known_only_at_run_time_may_be_any(computed: str) -> None:
    assert named_in(says("{{ " + computed + " }}")).any_other
