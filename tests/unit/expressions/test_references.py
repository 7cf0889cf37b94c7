"""References and compiled values: what the checker of definitions builds on."""

from __future__ import annotations

import pytest

from pipeline_engine.domain.expressions import (
    ExpressionError,
    Reference,
    compile_value,
    parse_condition,
    parse_template,
)


def paths(text: str) -> list[str]:
    return [str(reference) for reference in parse_template(text).references]


def test_regression_first_variable_only_because_the_rest_of_a_template_was_never_checked():
    found = paths("{{ params.a ~ params.b[0] }} and {{ steps.c.outputs.d if item else event.e }}")

    assert found == [
        "params.a",
        "params.b[0]",
        "item",
        "steps.c.outputs.d",
        "event.e",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ steps["my-step"].outputs.x }}', [Reference("steps", ("my-step", "outputs", "x"))]),
        ("{{ params.l[-1] }}", [Reference("params", ("l", -1))]),
        (
            "{{ params.l[params.i].x }}",
            [Reference("params", ("l",)), Reference("params", ("i",))],
        ),
        ("{{ params.l[1:params.n] }}", [Reference("params", ("n",)), Reference("params", ("l",))]),
        ("{{ (steps.a | default({})).outputs }}", [Reference("steps", ("a",))]),
        ("{{ params.a + params.a }}", [Reference("params", ("a",))]),
        ("{{ x | replace(y, z) is eq w }}", [Reference(name, ()) for name in "xyzw"]),
        ("{{ {a: [b]} }}", [Reference("a", ()), Reference("b", ())]),
        ("plain", []),
        ("{% raw %}{{ params.a }}{% endraw %}", []),
        ("{{ true and none }}", []),
    ],
)
def test_every_path_into_the_scope_is_a_reference(text, expected):
    assert list(parse_template(text).references) == expected


def test_a_condition_without_braces_has_references_too():
    assert parse_condition("steps.a.outputs.x > params.p").references == (
        Reference("steps", ("a", "outputs", "x")),
        Reference("params", ("p",)),
    )


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("{{ steps.my-step.outputs.x }}", "my-step"),
        ("{{ steps.my-step }}", "my-step"),
        ("{{ steps.my-very-long-step.outputs.x }}", "my-very-long-step"),
        ("{{ steps.step-1.outputs.x }}", "step-1"),
        ("{{ steps.my-step.outputs.x | upper }}", "my-step"),
        ("{{ steps.my-step.outputs.x * 2 ~ 'a' }}", "my-step"),
        ("{{ steps.my-step.outputs.list[0] }}", "my-step"),
        ("{{ steps.my-step.outputs.x is defined }}", "my-step"),
        ("{{ 1 + 2 if steps.my-step.outputs.x == 3 }}", "my-step"),
    ],
)
def test_a_hyphen_after_a_dot_is_an_error_because_it_would_subtract(text, step):
    with pytest.raises(ExpressionError) as caught:
        parse_template(text)

    assert caught.value.code == "hyphenated_step_reference"
    assert caught.value.hint == f'Write steps["{step}"].'


@pytest.mark.parametrize(
    "text",
    [
        "{{ steps.a.outputs.x - steps.b.outputs.x }}",
        "{{ steps.a.outputs.x - 1 }}",
        "{{ steps.a - params.x }}",
        "{{ params.a - other }}",
    ],
)
def test_a_real_subtraction_is_no_hyphen(text):
    assert parse_template(text).references


def test_a_value_is_rendered_inside_lists_and_objects_and_its_keys_are_left_alone():
    value = {"{{ key }}": ["{{ params.i }}", {"x": "n={{ params.i }}"}, 5, None], "c": "text"}

    rendered = compile_value(value).render({"params": {"i": 3}})

    assert rendered == {"{{ key }}": [3, {"x": "n=3"}, 5, None], "c": "text"}


def test_a_rendered_value_is_new_because_an_action_may_change_its_params():
    value = {"list": [1, {"a": []}]}
    compiled = compile_value(value)

    compiled.render({})["list"][1]["a"].append("changed")

    assert compiled.render({}) == {"list": [1, {"a": []}]} == value


def test_references_name_their_text_by_json_pointer():
    compiled = compile_value(
        {"a/b": ["{{ params.x }}"], "c~": "{{ params.y }}"}, pointer="/steps/0/params"
    )

    assert [(pointer, str(reference)) for pointer, reference in compiled.references] == [
        ("/steps/0/params/a~1b/0", "params.x"),
        ("/steps/0/params/c~0", "params.y"),
    ]


def test_every_problem_is_collected_and_rendering_raises_the_first():
    compiled = compile_value({"a": "{{ x | nope }}", "b": ["{{ y ** 2 }}"], "c": "{{ z }}"})

    assert [(pointer, error.code) for pointer, error in compiled.problems] == [
        ("/a", "unknown_filter"),
        ("/b/0", "construct_not_allowed"),
    ]
    for _ in range(2):
        with pytest.raises(ExpressionError, match="nope"):
            compiled.render({})


@pytest.mark.parametrize(
    ("value", "constant"),
    [
        ({"a": [1, "text", None]}, True),
        ("{% raw %}{{ x }}{% endraw %}", True),
        ({"a": ["{{ params.x }}"]}, False),
        ("{{ 1 }}", False),
        ("{{ broken", False),
    ],
)
def test_a_value_is_constant_if_no_expression_is_in_it(value, constant):
    assert compile_value(value).is_constant is constant


def test_a_value_nested_without_end_is_a_problem_and_no_crash():
    value: list[object] = []
    value.append(value)

    compiled = compile_value(value, pointer="/params")

    assert [(pointer, error.code) for pointer, error in compiled.problems] == [
        ("/params", "expression_too_deep")
    ]


def test_many_templates_in_one_value_share_one_budget():
    scope = {"params": {"text": "x" * 200_000}}
    compiled = compile_value(["{{ params.text | upper }}"] * 1000)

    with pytest.raises(ExpressionError) as caught:
        compiled.render(scope)

    assert caught.value.code == "expression_fuel"
