"""The shape of a document, field by field."""

from __future__ import annotations

import pytest
from unit.definitions.documents import a_document, a_step, checked, errors, messages, warnings

from pipeline_engine.domain.checks import Limits


def test_the_minimal_definition_of_the_reference_service_is_valid_without_warnings():
    document = {
        "name": "x",
        "steps": [{"id": "a", "name": "A", "action": "log", "params": {"message": "hi"}}],
    }

    report = checked(document)

    assert report.valid
    assert (report.errors, report.warnings) == ((), ())
    assert (report.step_count, report.has_cycles) == (1, False)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "DAG data cannot be None"),
        ({}, "DAG data cannot be empty"),
        ([], "DAG data must be a dictionary"),
        ("name: x", "DAG data must be a dictionary"),
        (7, "DAG data must be a dictionary"),
        ({"steps": [a_step()]}, "name: Field required"),
        ({"name": "", "steps": [a_step()]}, "name: String should have at least 1 character"),
        ({"name": "x"}, "steps: Field required"),
        ({"name": "x", "steps": {}}, "steps: Must be a list"),
        ({"name": "x", "steps": []}, "steps: At least one step is required"),
        (a_document("a"), "steps.0: Must be a dictionary"),
        (a_document({"name": "A", "action": "log"}), "steps.0.id: Field required"),
        (a_document({"id": "a", "name": "A"}), "steps.0.action: Field required"),
        (a_document({"id": "a", "action": "log"}), "steps.0.name: Field required"),
        (
            a_document(settings={"max_parallel_steps": 101}),
            "settings.max_parallel_steps: Input should be less than or equal to 100",
        ),
        (
            a_document(settings={"timeout_seconds": 0}),
            "settings.timeout_seconds: Input should be greater than or equal to 1",
        ),
        (
            a_document(a_step(on_failure="explode")),
            "steps.0.on_failure: Value error, 'explode' is not a valid OnFailureAction",
        ),
        (
            a_document(parameters=[{"name": "1st"}]),
            "parameters.0.name: Value error, Parameter name must start with a letter or underscore",
        ),
    ],
)
def test_messages_are_those_that_clients_know(document, message):
    assert messages(document) == [message]


def test_every_error_is_reported_at_once():
    document = {
        "steps": [
            {"id": "a b", "action": "log", "retry": {"max_attempts": 101}},
            7,
            a_step("c", depends_on=["d"], params=[]),
        ],
        "settings": {"fail_fast": "no"},
        "outputs": {"x": 1},
    }

    assert sorted(errors(document)) == [
        ("/name", "required"),
        ("/outputs/x", "wrong_type"),
        ("/settings/fail_fast", "wrong_type"),
        ("/steps/0/id", "invalid_step_id"),
        ("/steps/0/name", "required"),
        ("/steps/0/retry/max_attempts", "out_of_range"),
        ("/steps/1", "wrong_type"),
        ("/steps/2/depends_on/0", "unknown_step"),
        ("/steps/2/params", "wrong_type"),
    ]


@pytest.mark.parametrize("step_id", ["a", "7", "a-b_c", "A" * 100])
def test_a_step_id_is_letters_digits_underscores_and_hyphens(step_id):
    assert checked(a_document(a_step(step_id))).valid


@pytest.mark.parametrize("step_id", ["", "-a", "_a", "a b", "a.b", "ä", "a/b", "a" * 101, "a\n"])
def test_a_step_id_that_cannot_be_referred_to_is_refused(step_id):
    assert errors(a_document(a_step(step_id)))[0] == ("/steps/0/id", "invalid_step_id")


@pytest.mark.parametrize("word", ["fail", "CONTINUE", "Retry"])
def test_on_failure_is_read_in_any_case_because_clients_send_both(word):
    assert checked(a_document(a_step(on_failure=word))).valid


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"timeout_seconds": 0}, "timeout_seconds", "out_of_range"),
        ({"timeout_seconds": True}, "timeout_seconds", "wrong_type"),
        ({"timeout_seconds": 1.5}, "timeout_seconds", "wrong_type"),
        ({"timeout_seconds": 10**12}, "timeout_seconds", "out_of_range"),
        ({"retry": {"backoff_multiplier": 0.5}}, "retry/backoff_multiplier", "out_of_range"),
        ({"retry": {"backoff_seconds": float("nan")}}, "retry/backoff_seconds", "out_of_range"),
        ({"retry": {"retry_on": "timeout"}}, "retry/retry_on", "wrong_type"),
        ({"retry": {"jitter": "some"}}, "retry/jitter", "unknown_word"),
        ({"retry": {"max_elapsed_seconds": 0}}, "retry/max_elapsed_seconds", "out_of_range"),
        ({"retry": [{}, {"max_attempts": 0}]}, "retry/1/max_attempts", "out_of_range"),
        ({"retry": [7]}, "retry/0", "wrong_type"),
        ({"compensate": {"action": "log", "per_item": 1}}, "compensate/per_item", "wrong_type"),
        (
            {"compensate": {"action": "log", "per_item": True}},
            "compensate/per_item",
            "has_no_items",
        ),
        ({"catch": {}}, "catch", "wrong_type"),
        ({"catch": [{}]}, "catch/0/errors", "required"),
        ({"catch": [{"errors": []}]}, "catch/0/errors", "too_short"),
        ({"catch": [{"errors": "x", "outputs": []}]}, "catch/0/outputs", "wrong_type"),
        ({"catch": [{"errors": "x", "next": [7]}]}, "catch/0/next/0", "wrong_type"),
        ({"catch": [{"errors": "x", "next": "nowhere"}]}, "catch/0/next", "unknown_step"),
        ({"trigger_rule": "sometimes"}, "trigger_rule", "unknown_word"),
        ({"trigger_rule": "at_least"}, "trigger_rule", "unknown_word"),
        ({"trigger_rule": {"at_least": 0}}, "trigger_rule/at_least", "out_of_range"),
        ({"trigger_rule": {"at_least": 1}}, "trigger_rule/at_least", "out_of_range"),
        ({"trigger_rule": "one_success"}, "trigger_rule", "needs_dependencies"),
        ({"trigger_rule": {"at_least": "{{ params }}"}}, "trigger_rule", "needs_dependencies"),
        ({"cancel_rest": True}, "cancel_rest", "needs_eager_rule"),
        ({"for_each": 7}, "for_each", "wrong_type"),
        ({"for_each": "urls"}, "for_each", "wrong_type"),
        ({"for_each": "{{ params }} and more"}, "for_each", "wrong_type"),
        ({"for_each": {}}, "for_each/items", "required"),
        (
            {"for_each": {"items": [], "tolerated_failures": "110%"}},
            "for_each/tolerated_failures",
            "out_of_range",
        ),
        ({"compensate": {}}, "compensate/action", "required"),
        ({"queue": "slow"}, "queue", "unknown_word"),
        ({"weight": 0}, "weight", "out_of_range"),
        ({"weight": 1e-300}, "weight", "out_of_range"),
        ({"weight": float("nan")}, "weight", "out_of_range"),
        ({"weight": -0.0}, "weight", "out_of_range"),
        ({"timeout_seconds": 1e308}, "timeout_seconds", "out_of_range"),
        ({"timeout_seconds": float("inf")}, "timeout_seconds", "wrong_type"),
        ({"retry": {"backoff_seconds": 10**400}}, "retry/backoff_seconds", "out_of_range"),
        ({"trigger_rule": {"at_least": 2.0}}, "trigger_rule/at_least", "out_of_range"),
        ({"idempotent": "yes"}, "idempotent", "wrong_type"),
        ({"condition": True}, "condition", "wrong_type"),
        ({"outputs": "x"}, "outputs", "wrong_type"),
        ({"depends_on": {}}, "depends_on", "wrong_type"),
    ],
)
def test_a_field_of_a_step_keeps_to_its_type_and_limits(fields, pointer, code):
    assert errors(a_document(a_step(**fields))) == [(f"/steps/0/{pointer}", code)]


@pytest.mark.parametrize(
    ("wanted", "code"), [("two", "wrong_type"), ("{{ steps.a }}", "unknown_root")]
)
def test_how_many_have_to_complete_is_one_template_over_the_params(wanted, code):
    document = a_document(
        a_step("a"), a_step("b", depends_on="a", trigger_rule={"at_least": wanted})
    )

    assert errors(document) == [("/steps/1/trigger_rule/at_least", code)]


def test_null_is_the_same_as_an_absent_field():
    step = a_step(params=None, depends_on=None, condition=None, retry=None, for_each=None)
    document = a_document(step, description=None, parameters=None, settings=None, outputs=None)

    assert checked(document).valid


def test_unknown_fields_are_ignored_with_a_warning_because_clients_send_their_own():
    document = a_document(a_step(timeout=5, position={"x": 1}), ui={})

    report = checked(document)

    assert report.valid
    assert [(issue.pointer, issue.code) for issue in report.warnings] == [
        ("/steps/0/timeout", "unknown_field"),
        ("/steps/0/position", "unknown_field"),
        ("/ui", "unknown_field"),
    ]
    assert report.warnings[0].hint == "Did you mean 'timeout_seconds'?"


def test_a_pointer_escapes_what_json_pointers_must_escape():
    assert ("/outputs/a~1b~0c", "wrong_type") in errors(a_document(outputs={"a/b~c": 1}))


@pytest.mark.parametrize("word", ["fail", "continue", "retry"])
def test_a_retry_block_goes_with_every_word(word):
    assert warnings(a_document(a_step("a", on_failure=word, retry={}))) == []


def test_a_default_has_to_fit_its_type():
    parameters = [{"name": "n", "type": "integer", "default": "7"}]

    assert errors(a_document(parameters=parameters)) == [("/parameters/0/default", "wrong_type")]


def test_an_unknown_parameter_type_is_a_warning_because_it_was_never_enforced():
    assert warnings(a_document(parameters=[{"name": "n", "type": "strin"}])) == [
        ("/parameters/0/type", "unknown_parameter_type")
    ]


def test_parameters_have_different_names():
    assert errors(a_document(parameters=[{"name": "n"}, {"name": "n"}])) == [
        ("/parameters", "duplicate_parameter")
    ]


def test_rollback_as_a_word_is_refused_because_nothing_would_roll_back():
    assert errors(a_document(settings={"on_failure": "rollback"})) == [
        ("/settings/on_failure", "wrong_type")
    ]


@pytest.mark.parametrize("field", ["depends_on", "trigger_rule", "compensate"])
def test_a_handler_has_no_place_in_the_graph(field):
    value = {
        "depends_on": ["a"],
        "trigger_rule": "all_done",
        "compensate": {"action": "log"},
    }[field]
    handler = a_step("h", **{field: value})

    assert errors(a_document(settings={"finally": [handler]})) == [
        (f"/settings/finally/0/{field}", "not_in_handler")
    ]


def test_handlers_say_when_they_run():
    handlers = [a_step("h", when="on_cancel"), a_step("i", when="never")]

    assert errors(a_document(settings={"on_failure": handlers})) == [
        ("/settings/on_failure/1/when", "unknown_word")
    ]


def test_a_definition_over_the_limit_is_refused_before_any_work():
    steps = [a_step(f"s{n}", params={"message": "{{ broken"}) for n in range(4)]

    assert errors(a_document(*steps), limits=Limits(max_steps=3)) == [("/steps", "too_many_steps")]


def test_edges_are_limited():
    steps = [a_step("a"), a_step("b", depends_on=["a"]), a_step("c", depends_on=["a", "b"])]

    assert errors(a_document(*steps), limits=Limits(max_edges=2)) == [("/steps", "too_many_edges")]


def test_a_written_list_of_items_is_limited():
    document = a_document(a_step(for_each=[1, 2, 3]))

    assert errors(document, limits=Limits(max_items=2)) == [("/steps/0/for_each", "too_many_items")]


def test_templates_are_limited():
    document = a_document(a_step(params={"message": "{{ execution.id }}", "level": "{{ 1 }}"}))

    assert errors(document, limits=Limits(max_templates=1)) == [("", "too_many_templates")]


def test_a_deep_document_is_an_error_and_not_a_crash():
    deep: object = "x"
    for _ in range(100_000):
        deep = [deep]

    assert errors(a_document(a_step(params={"message": deep}))) == [("", "too_deep")]


def test_a_report_does_not_grow_without_end():
    report = checked(a_document(*range(50)), limits=Limits(max_issues=10))

    assert len(report.errors) == 11
    assert report.errors[-1].code == "too_many_issues"


def test_a_draft_needs_nothing_but_a_name():
    assert checked({"name": "x"}, allow_draft=True).valid
    assert checked({"name": "x", "steps": [], "settings": 7}, allow_draft=True).valid
    assert checked({}, name="x", allow_draft=True).valid
    assert errors({}, allow_draft=True) == [("/name", "too_short")]


def test_a_draft_with_steps_is_checked_whole():
    assert errors(a_document(a_step(action="lag")), allow_draft=True) == [
        ("/steps/0/action", "unknown_action")
    ]


def test_the_name_in_the_request_takes_the_place_of_the_one_in_the_document():
    assert checked({"steps": [a_step()]}, name="x").valid


def test_the_step_count_of_an_invalid_definition_is_0_as_clients_know_it():
    assert checked(a_document(a_step(), a_step("b", on_failure="explode"))).step_count == 0
