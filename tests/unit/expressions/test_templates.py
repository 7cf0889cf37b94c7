"""Templates: what clients of the reference service know, with our deviations named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pipeline_engine.domain.expressions import ExpressionError, parse_condition, parse_template

PARAMS = {
    "i": 3,
    "f": 2.5,
    "b": True,
    "s": "text",
    "ns": "007",
    "nothing": None,
    "l": [1, 2, 3],
    "d": {"a": 1, "items": "a key", "a.b": "dotted", "inner": {"x": [10, 20]}},
    "items": "the key named items",
    "list_text": "[1, 2]",
    "hex_text": "0x10",
}
SCOPE = {
    "params": PARAMS,
    "steps": {
        "a": {"outputs": {"x": 7, "list": [{"id": "m1"}, {"id": "m2"}]}, "status": "COMPLETED"},
        "my-step": {"outputs": {"x": "reached"}, "error": None},
    },
}


def render(text: str, scope: Mapping[str, Any] = SCOPE) -> Any:
    return parse_template(text).render(scope)


def refused(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        render(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("no braces", "no braces"),
        ("{% if x %}only a statement{% endif %}", "{% if x %}only a statement{% endif %}"),
        ("{{ params.i }}", 3),
        ("{{ params.f }}", 2.5),
        ("{{ params.b }}", True),
        ("{{ params.nothing }}", None),
        ("{{ params.l }}", [1, 2, 3]),
        ("{{ params.d }}", PARAMS["d"]),
        ("  {{ params.i }}\n", 3),
        ("{{ params.l[0] }}", 1),
        ("{{ params.l[-1] }}", 3),
        ("{{ params.l.0 }}", 1),
        ("{{ params.d.inner.x[1] }}", 20),
        ("{{ params['d']['a.b'] }}", "dotted"),
        ("{{ params.items }}", "the key named items"),
        ("{{ params.d.items }}", "a key"),
        ('{{ steps["my-step"].outputs.x }}', "reached"),
        ("{{ steps.a.status }}", "COMPLETED"),
        ("{{ params.l | length }}", 3),
        ("{{ params.zz | default(7) }}", 7),
        ("{{ params.zz | default([]) }}", []),
        ("{{ params.nothing | default(1) }}", None),
        ("{{ params.nothing | default(1, true) }}", 1),
        ("n={{ params.i }}", "n=3"),
        ("{{ params.i }}{{ params.i }}", "33"),
        ("b={{ params.b }} n={{ params.nothing }}", "b=True n=None"),
        ("l={{ params.l }}", "l=[1, 2, 3]"),
        ("{{ params.q }}", ""),
        ("{{ params.q.w.e }}", ""),
        ("x{{ params.q }}y", "xy"),
        ("{{ nobody.knows }}", ""),
        ("{% raw %}{{ not_a_template }}{% endraw %}", "{{ not_a_template }}"),
        ("{% raw %}{{ a }}{% endraw %} is {{ params.i }}", "{{ a }} is 3"),
        ("{% raw %}{% if %}{% endraw %}", "{% if %}"),
        ("{{ 'yes' if params.b else 'no' }}", "yes"),
        ("{{ 'yes' if params.q }}", ""),
        ("{{ params.s[:2] }}", "te"),
        ("{{ {'a': {'b': params.i}} }}", {"a": {"b": 3}}),
        ("{{ [params.i, params.q] }}", [3, None]),
        ("{{ params.i in (1, 2, 3) }}", True),
        ("{{ params.s ~ '-' ~ params.i }}", "text-3"),
    ],
)
def test_a_template_renders_as_clients_of_the_reference_service_expect(text, value):
    rendered = render(text)

    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    ("text", "reference_service", "here"),
    [
        ("{{ params.i > 1 }}", "True", True),
        ("{{ params.i + 1 }}", "4", 4),
        ("{{ not params.b }}", "False", False),
        ("{{ params.s | upper }}", "TEXT", "TEXT"),
    ],
)
def test_a_single_expression_yields_its_native_value_where_the_reference_gave_text(
    text, reference_service, here
):
    rendered = render(text)

    assert rendered == here
    assert isinstance(rendered, bool | int) or rendered == reference_service


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ params.i", "unbalanced_braces"),
        ("{{ params.i }} }}", "unbalanced_braces"),
        ("{{ params.i }", "unbalanced_braces"),
        ("{{ }}", "template_syntax"),
        ("{{ params. }}", "template_syntax"),
        ("{{ 1 +* 2 }}", "template_syntax"),
        ("{% if params.b %}{{ params.i }}{% endif %}", "construct_not_allowed"),
        ("{% set x = 1 %}{{ x }}", "construct_not_allowed"),
        ("{% for x in params.l %}{{ x }}{% endfor %}", "construct_not_allowed"),
        ("{{ params.d.items() }}", "construct_not_allowed"),
        ("{{ 2 ** 3 }}", "construct_not_allowed"),
        ("{{ params.l[::2] }}", "construct_not_allowed"),
        ("{{ params.s | uppr }}", "unknown_filter"),
        ("{{ params.s is fine }}", "unknown_test"),
        ("{{ params.s | replace('a') }}", "wrong_arguments"),
        ("{{ params.s | upper(1) }}", "wrong_arguments"),
        ("{{ params.s | replace(*params.l) }}", "wrong_arguments"),
        ("{{ 'a' * 3 }}", "wrong_operand"),
        ("{{ 'a' + 1 }}", "wrong_operand"),
        ("{{ 'a' < 1 }}", "wrong_operand"),
        ("{{ 1 / 0 }}", "division_by_zero"),
        ("{{ 9223372036854775807 + 1 }}", "number_out_of_range"),
        ("{{ 1e308 * 10 }}", "number_out_of_range"),
        ("{{ 99999999999999999999 }}", "number_out_of_range"),
        ("{{ 'x' }}" + "y" * 4096, "expression_too_long"),
        ("{{ " + "[" * 33 + "]" * 33 + " }}", "expression_too_deep"),
        ("{{ " + "not " * 101 + "1 }}", "expression_too_deep"),
    ],
)
def test_what_is_wrong_has_a_stable_code(text, code):
    error = refused(text)

    assert error.code == code
    assert str(error)


def test_a_misspelled_filter_gets_the_close_match_as_a_hint():
    error = refused("{{ params.s | uppr }}")

    assert error.hint == "Did you mean 'upper'?"


def test_a_text_without_braces_may_be_long_because_nothing_parses_it():
    text = "}} % {" * 100_000

    assert render(text) is text


def test_a_lazy_mapping_is_asked_only_for_the_keys_that_an_expression_names():
    class Steps(Mapping[str, Any]):
        asked: list[str] = []  # noqa: RUF012 - one instance lives for one test

        def __getitem__(self, key: str) -> Any:
            self.asked.append(key)
            return {"a": {"outputs": {"x": 7}}, "b": {"outputs": {}}}[key]

        def __iter__(self) -> Iterator[str]:
            return iter(["a", "b"])

        def __len__(self) -> int:
            return 2

    steps = Steps()

    value = render("{{ steps.a.outputs.x + 1 if 'a' in 'ab' else steps.b }}", {"steps": steps})
    assert (value, steps.asked) == (8, ["a"])

    whole = render("{{ steps }}", {"steps": steps})
    assert whole == {"a": {"outputs": {"x": 7}}, "b": {"outputs": {}}}
    assert type(whole) is dict


def test_a_value_is_passed_on_without_cost_because_nothing_walks_it():
    large = [{"n": n} for n in range(50_000)]

    assert render("{{ params.large }}", {"params": {"large": large}}) is large


def test_a_message_never_shows_a_value_because_it_may_be_a_secret():
    template = parse_template("{{ secrets.token + 1 }}")

    with pytest.raises(ExpressionError) as caught:
        template.render({"secrets": {"token": "hunter2"}})

    assert "hunter2" not in str(caught.value)


def test_a_trailing_newline_stays_because_texts_without_templates_keep_theirs_too():
    assert render("n={{ params.i }}\n") == "n=3\n"


def test_an_unknown_object_in_the_scope_is_refused_and_never_asked_for_its_text():
    class Loud:
        def __str__(self) -> str:
            raise AssertionError

        __repr__ = __str__

    scope = {"params": {"loud": Loud()}}

    for text in ("{{ params.loud }}", "x{{ params.loud }}", "{{ params.loud | string }}"):
        with pytest.raises(ExpressionError):
            render(text, scope)


class Broken(Mapping[str, Any]):
    """A part of the scope that stands for a mistake of ours."""

    def __init__(self, fault: type[Exception]) -> None:
        self.fault = fault

    def __getitem__(self, key: str) -> Any:
        raise self.fault("no")

    def __iter__(self) -> Iterator[str]:
        raise self.fault("no")

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize("fault", [TypeError, ValueError, IndexError, OverflowError])
@pytest.mark.parametrize(
    "evaluate",
    [
        parse_template("{{ odd | items }}").render,
        parse_template("x {{ odd }}").render,
        parse_condition("odd | tojson").evaluate,
    ],
)
def test_a_mistake_of_ours_gets_a_code_instead_of_stopping_the_worker(evaluate, fault):
    with pytest.raises(ExpressionError) as caught:
        evaluate({"odd": Broken(fault)})

    assert caught.value.code == "expression_crashed"


def test_what_the_database_says_is_no_mistake_of_an_expression():
    with pytest.raises(ConnectionError):
        parse_template("{{ odd.a }}").render({"odd": Broken(ConnectionError)})


@pytest.mark.parametrize(
    ("text", "name"), [("{{ range(params.i) }}", "range"), ("{{ params.s.upper() }}", "upper")]
)
def test_who_calls_what_is_a_filter_is_told_how_it_is_written(text, name):
    hint = refused(text).hint

    assert hint == f"There are no calls, but there is a filter: `value | {name}`."
