"""Every name in every template stands for something."""

from __future__ import annotations

from typing import Any

import pytest
from unit.definitions.documents import a_document, a_step, checked, errors, messages, warnings

PARAMETERS = [{"name": "p"}, {"name": "l", "type": "array"}]


def says(message: str, **fields: Any) -> dict[str, Any]:
    """A definition of a and b, which waits for a and uses *message*."""
    step = a_step("b", depends_on=["a"], params={"message": message}, **fields)
    return a_document(a_step("a"), step, parameters=PARAMETERS)


@pytest.mark.parametrize(
    "message",
    [
        "{{ params.p }}",
        "{{ params['p'] ~ params.l | length }}",
        "{{ steps.a.outputs.x.y[0] }} and {{ steps['a'].status }} and {{ steps.a.error }}",
        "{{ execution.id }} {{ secrets.token }}",
        "{{ params }}",
        "{% raw %}{{ anything.at.all }}{% endraw %}",
        "no { braces }",
    ],
)
def test_what_is_there_can_be_referred_to(message):
    assert checked(says(message)).valid


def test_the_second_variable_of_a_template_is_checked_as_well():
    """[!] 1.3: only the first variable inside one pair of braces used to be looked at."""
    assert errors(says("{{ params.p ~ params.q ~ steps.z.outputs.x }}")) == [
        ("/steps/1/params/message", "unknown_parameter"),
        ("/steps/1/params/message", "unknown_step"),
    ]


def test_the_other_side_of_a_comparison_is_checked_as_well():
    """[!] 1.3, in a condition."""
    assert errors(says("x", condition="{{ params.p == params.q }}")) == [
        ("/steps/1/condition", "unknown_parameter")
    ]


def test_an_index_is_not_part_of_the_name_of_a_parameter():
    """[!] 1.3: params.l[0] used to be the unknown parameter "l[0]"."""
    assert checked(says("{{ params.l[0] }}")).valid


def test_a_dot_without_a_name_is_a_syntax_error_and_no_unknown_parameter():
    """[!] 1.3: params. used to be the unknown parameter ""."""
    assert [code for _, code in errors(says("{{ params. }}"))] == ["template_syntax"]


def test_a_hyphenated_step_is_reached_with_brackets():
    """[!] 1.3: the name used to be cut at the hyphen."""
    document = a_document(
        a_step("my-step"),
        a_step("b", depends_on=["my-step"], params={"message": "{{ steps['my-step'].outputs.x }}"}),
    )

    assert checked(document).valid


def test_a_hyphen_after_a_dot_gets_the_hint_to_use_brackets():
    """[!] 1.3: it used to be an unknown step "my"."""
    document = a_document(
        a_step("my-step"),
        a_step("b", depends_on=["my-step"], params={"message": "{{ steps.my-step.outputs.x }}"}),
    )

    (error,) = checked(document).errors

    assert error.code == "hyphenated_step_reference"
    assert 'steps["my-step"]' in (error.hint or "")


def test_a_reference_to_a_step_that_may_run_later_is_an_error():
    """[!] 1.3: it used to be accepted and rendered empty."""
    document = a_document(a_step("a"), a_step("b", params={"message": "{{ steps.a.outputs.x }}"}))

    (error,) = checked(document).errors

    assert (error.pointer, error.code) == ("/steps/1/params/message", "not_an_ancestor")
    assert error.hint == "Add 'a' to depends_on of 'b'."


def test_a_reference_to_a_later_step_does_not_get_the_hint_to_make_a_circle():
    document = a_document(
        a_step("a", params={"message": "{{ steps.b.outputs.x }}"}), a_step("b", depends_on=["a"])
    )

    assert checked(document).errors[0].hint == "'b' runs after 'a'."


def test_an_ancestor_need_not_be_a_direct_dependency():
    document = a_document(
        a_step("a"),
        a_step("b", depends_on=["a"]),
        a_step("c", depends_on=["b"], params={"message": "{{ steps.a.outputs.x }}"}),
    )

    assert checked(document).valid


def test_a_step_cannot_read_its_own_outputs():
    assert errors(says("{{ steps.b.outputs.x }}")) == [
        ("/steps/1/params/message", "not_an_ancestor")
    ]


def test_the_outputs_of_the_pipeline_are_checked():
    """[!] 1.3: they were not; any step may be read, whatever the order."""
    outputs = {"x": "{{ steps.b.outputs.x }}", "y": "{{ steps.z.outputs.x }}{{ params.q }}"}
    document = a_document(a_step("a"), a_step("b"), outputs=outputs)

    assert errors(document) == [
        ("/outputs/y", "unknown_step"),
        ("/outputs/y", "unknown_parameter"),
    ]


@pytest.mark.parametrize("root", ["workflow", "result", "event", "item", "env", "steps_"])
def test_a_name_that_stands_for_nothing_is_an_error(root):
    """[!] 1.3: workflow, item and result used to pass and rendered empty."""
    assert errors(says(f"{{{{ {root}.x }}}}")) == [("/steps/1/params/message", "unknown_root")]


def test_messages_are_those_that_clients_know():
    assert messages(says("{{ params.q }}{{ steps.z.outputs.x }}")) == [
        "Unknown parameter: q",
        "Unknown step: z",
    ]


def test_an_undeclared_parameter_gets_a_hint():
    document = a_document(a_step(params={"message": "{{ params.usre_id }}"}))

    assert checked(document).errors[0].hint == "Declare it in parameters."
    assert (
        checked(document | {"parameters": [{"name": "user_id"}]}).errors[0].hint
        == "Did you mean 'user_id'?"
    )


def test_only_outputs_status_and_error_of_a_step_can_be_read():
    (error,) = checked(says("{{ steps.a.output.x }}")).errors

    assert (error.code, error.hint) == ("unknown_step_field", "Did you mean 'outputs'?")


def test_a_computed_step_name_is_a_warning_because_only_the_run_will_tell():
    assert warnings(says("{{ steps[params.p].outputs.x }}")) == [
        ("/steps/1/params/message", "dynamic_step_reference")
    ]


def test_nested_params_have_the_pointer_of_the_string_that_is_wrong():
    document = a_document(a_step(params={"message": "x", "level": {"a/b": ["{{ params.q }}"]}}))

    assert ("/steps/0/params/level/a~1b/0", "unknown_parameter") in errors(document)


def test_a_template_that_cannot_be_parsed_has_the_code_of_the_expression_error():
    assert [code for _, code in errors(says("{{ params.p"))] == ["unbalanced_braces"]
    assert [code for _, code in errors(says("{{ params.p | frobnicate }}"))] == ["unknown_filter"]


def test_a_condition_without_braces_is_an_expression():
    assert checked(says("x", condition="params.p == 'yes'")).valid
    assert errors(says("x", condition="params.q > 50")) == [
        ("/steps/1/condition", "unknown_parameter")
    ]


def test_items_can_be_used_in_the_params_and_the_key_of_a_for_each_step():
    step = a_step(
        params={"message": "{{ item_index }}: {{ item.url }}"},
        for_each={"items": "{{ params.l }}", "key": "{{ item.id }}"},
    )

    assert checked(a_document(step, parameters=PARAMETERS)).valid


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"condition": "item.x == 1"}, "condition"),
        ({"for_each": "{{ item.children }}"}, "for_each"),
        (
            {"compensate": {"action": "log", "params": {"message": "{{ item }}"}}},
            "compensate/params/message",
        ),
    ],
)
def test_items_do_not_exist_where_the_step_is_still_one(fields, pointer):
    step = a_step(**{"for_each": [1, 2], **fields})

    assert errors(a_document(step)) == [(f"/steps/0/{pointer}", "unknown_root")]


def test_the_items_of_a_for_each_step_come_from_its_ancestors():
    document = a_document(a_step("a"), a_step("b", for_each={"items": "{{ steps.a.outputs.x }}"}))

    assert errors(document) == [("/steps/1/for_each/items", "not_an_ancestor")]


def test_a_compensation_may_read_the_step_that_it_undoes():
    undo = {"action": "log", "params": {"message": "{{ steps.a.outputs.id }}"}}
    late = {"action": "log", "params": {"message": "{{ steps.b.outputs.id }}"}}

    assert checked(a_document(a_step("a", compensate=undo))).valid
    assert errors(a_document(a_step("a", compensate=late), a_step("b"))) == [
        ("/steps/0/compensate/params/message", "not_an_ancestor")
    ]


def test_a_handler_may_read_every_step_and_the_handlers_before_it():
    reads = {"message": "{{ steps.a.status }} {{ steps.h.outputs.x }}"}
    handlers = {"on_failure": [a_step("h")], "finally": [a_step("i", params=reads)]}
    turned = {"on_failure": [a_step("i", params=reads)], "finally": [a_step("h")]}

    assert checked(a_document(settings=handlers)).valid
    assert errors(a_document(settings=turned)) == [
        ("/settings/on_failure/0/params/message", "not_an_ancestor")
    ]


def test_neither_steps_nor_outputs_may_read_a_handler():
    document = a_document(
        a_step(params={"message": "{{ steps.h.outputs.x }}"}),
        settings={"finally": [a_step("h")]},
        outputs={"x": "{{ steps.h.outputs.x }}"},
    )

    assert errors(document) == [
        ("/steps/0/params/message", "not_an_ancestor"),
        ("/outputs/x", "not_an_ancestor"),
    ]


def test_secrets_do_not_become_outputs():
    assert errors(a_document(outputs={"x": "{{ secrets.token }}"})) == [
        ("/outputs/x", "unknown_root")
    ]


def choose(condition: object) -> dict[str, Any]:
    params = {"branches": [{"id": "yes", "condition": condition}]}
    return a_document(a_step("a", action="conditional", params=params), parameters=PARAMETERS)


@pytest.mark.parametrize("condition", ["{{ params.p }}", "params.p == 1", True, None])
def test_branch_conditions_are_read_by_the_action(condition):
    assert checked(choose(condition)).valid


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("{{ params.q }}", "unknown_parameter"),
        ("params.q == 1", "unknown_parameter"),
        ("steps.b.outputs.x", "unknown_step"),
        ("item > 1", "unknown_root"),
        ("event.x", "unknown_root"),
        ("{{ params.p ==", "unbalanced_braces"),
    ],
)
def test_branch_conditions_are_checked_although_they_are_not_rendered(condition, code):
    assert errors(choose(condition)) == [("/steps/0/params/branches/0/condition", code)]


def test_a_param_named_condition_is_one():
    document = a_document(a_step(action="conditional", params={"condition": "params.q > 5"}))

    assert errors(document) == [("/steps/0/params/condition", "unknown_parameter")]


def test_an_unknown_secret_is_a_warning_where_the_secrets_are_known():
    report = checked(says("{{ secrets.tokem }}"), secrets={"token"})
    found = report.warnings

    assert report.valid, "the store may have it when the step runs"
    assert [(issue.pointer, issue.code, issue.hint) for issue in found] == [
        ("/steps/1/params/message", "unknown_secret", "Did you mean 'token'?")
    ]
    twice = says("{{ secrets.token ~ secrets['token'] }}")
    assert not checked(twice, secrets={"token"}).warnings
    assert not checked(says("{{ secrets.tokem }}"), secrets=None).warnings


def test_an_owner_without_secrets_is_told_how_to_store_one():
    (issue,) = checked(says("{{ secrets.token }}"), secrets={}).warnings

    assert "pipeline-engine secrets set" in (issue.hint or "")


# ── The execution itself ─────────────────────────────────────────────────────────────────

END = "{{ execution.status }} {{ execution.error.code }}"


def handled(message: str, **fields: Any) -> dict[str, Any]:
    """A definition whose handler, and whose compensation, use *message*."""
    undo = {"action": "log", "params": {"message": message}}
    handler = a_step("h", params={"message": message}, **fields)
    handler.pop("depends_on", None)
    return a_document(a_step("a", compensate=undo), settings={"finally": [handler]})


def test_every_template_may_say_which_execution_it_is_of():
    fields = ("id", "name", "pipeline_id", "initiator", "user_id", "created_at")
    message = " ".join(f"{{{{ execution.{field} }}}}" for field in fields)

    assert checked(says(f"{message} {{{{ execution }}}}")).valid


def test_handlers_and_compensations_may_ask_how_the_execution_ends():
    assert checked(handled(END, condition="execution.status == 'FAILED'")).valid


@pytest.mark.parametrize("where", ["message", "condition", "outputs"])
def test_nobody_else_may_ask_since_nobody_knows_it_yet(where):
    document = says(END if where == "message" else "m")
    if where == "condition":
        document["steps"][1]["condition"] = "execution.status == 'FAILED' or execution.error"
    if where == "outputs":
        document["outputs"] = {"end": END}

    found = checked(document).errors

    assert [error.code for error in found] == ["unknown_execution_field"] * 2
    assert "handlers" in (found[0].hint or "")


@pytest.mark.parametrize("make", [says, handled])
def test_an_execution_has_no_other_fields(make):
    found = checked(make("{{ execution.statos }} {{ execution['naem'] }}")).errors

    assert {error.code for error in found} == {"unknown_execution_field"}
    assert "'name'" in (found[1].hint or "")
