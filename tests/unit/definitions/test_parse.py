"""From a checked document to frozen values."""

from __future__ import annotations

import time

import pytest
from unit.definitions.documents import a_document, a_step, checked

from pipeline_engine.domain.definitions import (
    Catch,
    Compensation,
    DefinitionDefaults,
    ForEach,
    HandlerWhen,
    Jitter,
    OnFailure,
    ParameterDefinition,
    RetryConfig,
    TriggerRule,
    parse,
)
from pipeline_engine.domain.queues import QueueName


def the_step(**fields):
    document = a_document(a_step("z"), a_step("y"), a_step("a", **fields))
    assert checked(document).valid
    return parse(document).step("a")


def test_an_absent_field_has_its_documented_default():
    pipeline = parse(a_document())
    step = pipeline.step("a")

    assert (pipeline.version, pipeline.description, pipeline.outputs) == ("1.0", None, {})
    assert pipeline.settings.timeout_seconds == 7200
    assert pipeline.settings.fail_fast
    assert pipeline.settings.max_parallel_steps == 10
    assert (step.params, step.depends_on, step.weight) == ({}, (), 1)
    assert step.on_failure is OnFailure.FAIL
    assert step.trigger_rule is TriggerRule.NONE_FAILED
    assert (step.retry, step.for_each, step.compensate, step.queue) == ((), None, None, None)


def test_what_the_document_leaves_open_comes_from_the_settings_of_the_engine():
    defaults = DefinitionDefaults(timeout_seconds=60, max_parallel_steps=3)

    settings = parse(a_document(), defaults=defaults).settings

    assert (settings.timeout_seconds, settings.max_parallel_steps) == (60, 3)


def test_false_and_nought_are_values_and_no_absent_fields():
    document = a_document(
        a_step(idempotent=False, retry={"backoff_seconds": 0}),
        settings={"fail_fast": False},
        parameters=[{"name": "p", "required": False, "default": 0}],
    )

    pipeline = parse(document)

    assert pipeline.settings.fail_fast is False
    assert pipeline.step("a").idempotent is False
    assert pipeline.step("a").retry == (RetryConfig(backoff_seconds=0),)
    assert pipeline.parameters == (
        ParameterDefinition("p", required=False, default=0, has_default=True),
    )


def test_a_dependency_that_is_named_twice_counts_once():
    assert the_step(depends_on=["z", "y", "z"]).depends_on == ("z", "y")
    assert the_step(depends_on="z").depends_on == ("z",)


def test_a_retry_block_alone_means_retry():
    """[!] 3.6: a retry block without on_failure used to do nothing."""
    step = the_step(retry={"max_attempts": 5})

    assert step.on_failure is OnFailure.RETRY
    assert step.retry == (RetryConfig(max_attempts=5),)


def test_what_follows_after_the_last_retry_is_what_on_failure_says():
    step = the_step(on_failure="CONTINUE", retry={"max_attempts": 5})

    assert (step.on_failure, step.retry) == (
        OnFailure.CONTINUE,
        (RetryConfig(max_attempts=5),),
    )


def test_a_retry_may_be_a_list_of_policies():
    given = [{"retry_on": ["timeout"], "jitter": "NONE"}, {"max_elapsed_seconds": 60}]

    assert the_step(retry=given).retry == (
        RetryConfig(retry_on=("timeout",), jitter=Jitter.NONE),
        RetryConfig(max_elapsed_seconds=60),
    )


def test_one_error_and_one_next_step_stand_for_lists_of_one():
    caught = {"errors": "timeout", "next": "b"}, {"errors": ["x", "y"], "outputs": {"a": 1}}

    pipeline = parse(a_document(a_step("a", catch=list(caught)), a_step("b", depends_on=["a"])))

    assert pipeline.step("a").catch == (
        Catch(errors=("timeout",), next=("b",)),
        Catch(errors=("x", "y"), outputs={"a": 1}),
    )
    assert pipeline.catchers == {"b": ["a"]}


def test_what_is_not_taken_depends_on_whether_a_failure_was_caught():
    catch = [{"errors": "x", "next": "b"}, {"errors": "*", "next": ["c"]}]
    behind = [a_step(name, depends_on=["a"]) for name in "bcd"]
    pipeline = parse(a_document(a_step("a", catch=catch), *behind))

    assert pipeline.untaken("a", ()) == set()
    assert pipeline.untaken("a", ("b",)) == {"d"}
    assert [pipeline.leads_to("a", code, "b") for code in ("x", "y")] == [True, False]


def test_a_retry_block_keeps_the_codes_that_it_names():
    retry = {"retry_on": ["timeout"], "no_retry_on": ["quota", "denied"]}

    step = the_step(on_failure="retry", retry=retry)

    assert step.retry == (RetryConfig(retry_on=("timeout",), no_retry_on=("quota", "denied")),)


@pytest.mark.parametrize(
    ("given", "rule", "at_least"),
    [
        ("ALL_DONE", TriggerRule.ALL_DONE, None),
        ({"at_least": 2}, TriggerRule.AT_LEAST, 2),
    ],
)
def test_a_trigger_rule_is_a_word_or_a_number_of_successes(given, rule, at_least):
    step = the_step(trigger_rule=given, depends_on=["z", "y"])

    assert (step.trigger_rule, step.at_least) == (rule, at_least)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([1, 2], ForEach([1, 2])),
        ("{{ execution.name }}", ForEach("{{ execution.name }}")),
        ({"items": [], "max_concurrency": 4}, ForEach([], max_concurrency=4)),
        ({"items": [], "tolerated_failures": 2}, ForEach([], tolerated_failures=2)),
        ({"items": [], "tolerated_failures": "12.5 %"}, ForEach([], tolerated_percent=12.5)),
        ({"items": [], "key": "{{ item.id }}"}, ForEach([], key="{{ item.id }}")),
    ],
)
def test_for_each_is_the_items_alone_or_with_their_bounds(given, meant):
    assert the_step(for_each=given).for_each == meant


def test_a_compensation_is_an_action_with_params():
    undo = {"action": "log", "params": {"message": "undone"}}

    assert the_step(compensate=undo).compensate == Compensation("log", {"message": "undone"})


def test_a_queue_is_read_in_any_case():
    assert the_step(queue="CPU").queue is QueueName.CPU


def test_handlers_run_in_the_order_of_the_lists():
    settings = {
        "finally": [a_step("f"), a_step("g", when="on_cancel")],
        "on_failure": [a_step("h"), a_step("i", when="ALWAYS")],
    }

    pipeline = parse(a_document(settings=settings))

    assert [(handler.step.id, handler.when) for handler in pipeline.settings.handlers] == [
        ("h", HandlerWhen.ON_FAILURE),
        ("i", HandlerWhen.ALWAYS),
        ("f", HandlerWhen.ALWAYS),
        ("g", HandlerWhen.ON_CANCEL),
    ]
    assert pipeline.step("g").name == "G"
    assert "g" not in pipeline.graph


def test_an_unknown_step_is_a_key_error():
    with pytest.raises(KeyError):
        parse(a_document()).step("b")


def test_the_graph_of_a_pipeline_is_made_once():
    pipeline = parse(a_document(a_step("a"), a_step("b", depends_on=["a"])))

    assert pipeline.graph is pipeline.graph
    assert pipeline.graph.ancestors("b") == {"a"}


def test_a_step_is_parsed_when_it_is_read_because_a_worker_may_need_few_of_many():
    strange = a_step("b") | {"queue": "of a newer version"}
    pipeline = parse(a_document(a_step("a"), strange))

    assert pipeline.step("a") is pipeline.steps[0]
    assert pipeline.graph.roots == ("a", "b")
    assert pipeline.rule("b") == (TriggerRule.NONE_FAILED, None)
    with pytest.raises(ValueError, match="of a newer version"):
        pipeline.step("b")


def test_a_thousand_steps_are_parsed_within_50_milliseconds():
    steps = [a_step(f"s{n}", depends_on=[f"s{n - 1}"] if n else []) for n in range(1000)]
    document = a_document(*steps)

    def seconds():
        start = time.thread_time()  # whatever else the machine does
        assert len(list(parse(document).steps)) == 1000
        return time.thread_time() - start

    assert min(seconds() for _ in range(5)) < 0.05
