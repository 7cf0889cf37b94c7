"""Steps that hold other steps: their fields, their names, and who sees whom."""

from __future__ import annotations

import time
from typing import Any

import pytest
from unit.definitions.documents import a_document, a_step, checked, errors, warnings

from pipeline_engine.domain.checks import CheckReport, Limits, blocks, check
from pipeline_engine.domain.definitions import BLOCK, parse
from pipeline_engine.registry import Registry
from pipeline_engine.services.actions import Catalogue

REGISTRY = Registry.discover()
PARAMETERS = [{"name": "p"}, {"name": "l", "type": "array"}]


def a_block(block_id: str, *steps: Any, **fields: Any) -> dict[str, Any]:
    return {"id": block_id, "name": block_id.upper(), "steps": list(steps), **fields}


def says(message: str, step_id: str = "x", **fields: Any) -> dict[str, Any]:
    return a_step(step_id, params={"message": message}, **fields)


def found(*steps: Any, **fields: Any) -> CheckReport:
    """The verdict with the actions that are installed: loops are made of one."""
    document = a_document(*steps, parameters=PARAMETERS, **fields)
    return check(document, Catalogue(REGISTRY))


def wrong(*steps: Any, **fields: Any) -> list[tuple[str, str]]:
    return [(issue.pointer, issue.code) for issue in found(*steps, **fields).errors]


def hint(*steps: Any, **fields: Any) -> str | None:
    """What is said about the only error."""
    [error] = found(*steps, **fields).errors
    return error.hint


ROUNDS = {"until": "{{ result.done }}"}


# ── Fields ───────────────────────────────────────────────────────────────────────────────


def test_a_step_may_hold_steps_in_place_of_an_action_and_have_all_the_rest():
    block = a_block(
        "b",
        a_step("x"),
        a_step("y", depends_on=["x"]),
        depends_on=["a"],
        outputs={"n": "{{ steps.y.outputs.message }}", "list": [1, {"of": "{{ steps.x.status }}"}]},
        for_each={"items": "{{ params.l }}", "item_timeout_seconds": 5, "key": "{{ item }}"},
        condition="params.p",
        on_failure="continue",
        retry={"max_attempts": 2},
        catch=[{"errors": "*", "outputs": {"n": "{{ error.code }}"}, "next": "c"}],
        timeout_seconds=60,
        trigger_rule="all_done",
        compensate={"action": "log", "params": {"message": "{{ steps.b.outputs.n }}"}},
        weight=3,
    )

    report = found(a_step("a"), block, a_step("c", depends_on=["b"]))

    assert (report.errors, report.warnings) == ((), ())
    assert report.step_count == 5


def test_null_steps_are_no_steps():
    assert checked(a_document(a_step(steps=None, **{"while": None}))).valid


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"action": "log"}, "/action", "not_in_block"),
        ({"params": {}}, "/params", "not_in_block"),
        ({"idempotent": False}, "/idempotent", "not_in_block"),
        ({"queue": "io"}, "/queue", "not_in_block"),
        ({"outputs": ["n"]}, "/outputs", "wrong_type"),
        ({"steps": []}, "/steps", "no_steps"),
        ({"steps": {}}, "/steps", "wrong_type"),
        ({"steps": "a"}, "/steps", "wrong_type"),
        ({"steps": 7}, "/steps", "wrong_type"),
        ({"steps": ["a"]}, "/steps/0", "wrong_type"),
        ({"steps": [a_step("x", weight=0)]}, "/steps/0/weight", "out_of_range"),
        ({"steps": [a_step("x", action="lgo")]}, "/steps/0/action", "unknown_action"),
        ({"steps": [{"id": "x", "name": "X"}]}, "/steps/0/action", "required"),
        ({"steps": [{"name": "X", "action": "log"}]}, "/steps/0/id", "required"),
        ({"while": ROUNDS, "for_each": [1]}, "/while", "not_together"),
        ({"while": []}, "/while", "wrong_type"),
        ({"while": {}}, "/while", "required"),
        ({"while": {"until": "", "condition": None}}, "/while", "required"),
        ({"while": {"until": "true", "condition": "true"}}, "/while", "not_together"),
        ({"while": {"until": 7}}, "/while/until", "wrong_type"),
        ({"while": ROUNDS | {"max_iterations": 0}}, "/while/max_iterations", "out_of_range"),
        ({"while": ROUNDS | {"delay_seconds": "soon"}}, "/while/delay_seconds", "wrong_type"),
        ({"while": ROUNDS | {"carry": {"start": 1}}}, "/while/carry/next", "required"),
        ({"while": ROUNDS | {"carry": 1}}, "/while/carry", "wrong_type"),
    ],
)
def test_a_field_of_a_block_keeps_to_its_type_and_limits(fields, pointer, code):
    block = {**a_block("b", a_step("x")), **fields}

    assert wrong(block) == [(f"/steps/0{pointer}", code)]


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"while": ROUNDS}, "/while", "needs_steps"),
        ({"outputs": {"n": "{{ 1 }}"}}, "/outputs", "wrong_type"),
    ],
)
def test_what_only_blocks_have_is_refused_beside_an_action(fields, pointer, code):
    [error] = found(a_step("a", **fields)).errors

    assert (error.pointer, error.code) == (f"/steps/0{pointer}", code)
    assert error.hint


def test_everything_that_does_not_go_with_a_block_gets_a_hint():
    block = a_block("b", a_step("x"), action="log", params={}, idempotent=True, queue="io")

    assert all(issue.hint for issue in found(block).errors)
    assert "Nest one" in str(hint(a_block("b", a_step("x"), for_each=[1], **{"while": ROUNDS})))


@pytest.mark.parametrize("fields", [{"steps": [a_step("x")]}, {"steps": []}, {"while": ROUNDS}])
def test_handlers_and_compensations_hold_no_steps(fields):
    handler = a_step("h", **fields)

    assert wrong(a_step("a"), settings={"finally": [handler]}) == [
        (f"/settings/finally/0/{name}", "not_in_handler") for name in fields
    ]
    if "steps" in fields:
        assert wrong(a_step("a", compensate={"action": "log", **fields})) == [
            ("/steps/0/compensate/steps", "not_in_handler")
        ]


def test_a_loop_has_the_fields_and_the_limits_of_the_action_that_repeats_the_block():
    action = next(one for one in REGISTRY if one.meta.type == "while").meta
    own = blocks.LOOP.schema["properties"]

    assert {param.name for param in action.params} - {"action", "action_params"} == set(own)
    for param in action.params:
        if param.validation and param.validation.min is not None:
            limits = own[param.name]["anyOf"][0]["anyOf"][0]
            assert limits["minimum"] == param.validation.min
            assert param.validation.max in (None, limits["maximum"])


def test_a_loop_may_take_its_numbers_from_params():
    loop = ROUNDS | {"max_iterations": "{{ params.p }}", "delay_seconds": "{{ iteration }}"}

    assert wrong(a_block("b", a_step("x"), **{"while": loop})) == []


def test_a_loop_takes_nothing_from_its_state_but_what_it_knows():
    carry = {"start": 1, "next": "{{ carry }}", "comment": "mine"}
    block = a_block("b", a_step("x"), **{"while": ROUNDS | {"carry": carry}})

    assert warnings(a_document(block)) == [("/steps/0/while/carry/comment", "unknown_field")]
    assert parse(a_document(block)).step("b").params["carry"].keys() == {"start", "next"}


# ── Ids, order and limits ────────────────────────────────────────────────────────────────


def test_an_id_is_unique_in_the_whole_document():
    assert wrong(a_step("a"), a_block("b", a_step("a"), a_block("c", a_step("b")))) == [
        ("/steps/1/steps/0/id", "duplicate_step_id"),
        ("/steps/1/steps/1/steps/0/id", "duplicate_step_id"),
    ]


def test_a_circle_is_found_in_the_list_where_it_is():
    block = a_block("b", a_step("x", depends_on=["y"]), a_step("y", depends_on=["x"]))
    report = found(a_step("a"), block)

    assert [(i.pointer, i.code) for i in report.errors] == [("/steps/1/steps", "cyclic_dependency")]
    assert report.has_cycles


BESIDE = a_block("c", a_block("d", a_step("z")))


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (
            [a_block("b", a_step("x")), a_step("a", depends_on=["x"])],
            "'x' is inside the block 'b'; depend on 'b'.",
        ),
        (
            [BESIDE, a_step("a", depends_on=["z"])],
            "'z' is inside the block 'c'; depend on 'c'.",
        ),
        (
            [a_step("a"), a_block("b", a_step("x", depends_on=["a"]))],
            "'a' is outside of the block 'b': let 'b' depend on 'a'.",
        ),
        (
            [a_step("a"), a_block("e", a_block("b", a_step("x", depends_on=["a"])))],
            "'a' is outside of the block 'e': let 'e' depend on 'a'.",
        ),
        (
            [BESIDE, a_block("b", a_step("x", depends_on=["z"]))],
            "'z' is outside of the block 'b': let 'b' depend on 'c'.",
        ),
        (
            [a_block("b", a_step("x", depends_on=["a"])), a_step("a", depends_on=["b"])],
            "'a' runs after the block 'b'.",
        ),
        (
            [a_step("a"), a_block("b", a_step("x", depends_on=["a"]), depends_on=["a"])],
            "The block 'b' waits for 'a' already.",
        ),
        (
            [a_block("b", a_step("x", depends_on=["b"]))],
            "'x' is inside of 'b', which ends after it.",
        ),
        (
            [a_block("b", a_step("x"), depends_on=["x"])],
            "'x' is inside of 'b', which ends after it.",
        ),
        (
            [a_block("b", a_step("x", depends_on=["hh"]), a_step("h"))],
            "Did you mean 'h'?",
        ),
    ],
)
def test_a_step_waits_only_for_steps_of_its_own_list(steps, said):
    report = found(*steps)

    assert [(issue.code, issue.hint) for issue in report.errors] == [("unknown_step", said)]


def test_ways_lead_only_to_steps_of_the_same_list():
    choice = {"branches": [{"id": "yes", "condition": "true", "target_step": "x"}]}
    block = a_block("b", a_step("x"), depends_on=["a"])

    caught = found(a_step("a", catch=[{"errors": "*", "next": "x"}]), block).errors
    branch = found(a_step("a", action="conditional", params=choice), block).errors

    assert [error.code for error in (*caught, *branch)] == ["unknown_step"] * 2
    assert {error.hint for error in (*caught, *branch)} == {
        "A way leads to a step of the same list; that may be a block."
    }


def test_ways_lead_to_steps_inside_of_a_block_if_they_begin_there():
    choice = {"branches": [{"id": "yes", "condition": "true", "target_step": "y"}]}
    block = a_block(
        "b",
        a_step("x", action="conditional", params=choice, catch=[{"errors": "*", "next": "z"}]),
        a_step("y", depends_on=["x"]),
        a_step("z", depends_on=["x"]),
    )

    assert wrong(block) == []


def test_a_quorum_counts_the_steps_of_its_list():
    late = a_step("z", depends_on=["x", "y"], trigger_rule={"at_least": 3})

    assert wrong(a_block("b", a_step("x"), a_step("y"), late)) == [
        ("/steps/0/steps/2/trigger_rule/at_least", "out_of_range")
    ]


def nested(depth: int) -> dict[str, Any]:
    step = a_step("x")
    for number in range(depth):
        step = a_block(f"b{number}", step)
    return step


def test_blocks_are_inside_of_each_other_up_to_a_depth():
    assert wrong(nested(4)) == []
    assert wrong(nested(5)) == [("/steps/0" + "/steps/0" * 4 + "/steps", "blocks_too_deep")]
    assert wrong(nested(25)) == [("/steps/0" + "/steps/0" * 4 + "/steps", "blocks_too_deep")]
    assert wrong(nested(100)) == [("", "too_deep")]


def test_steps_and_dependencies_in_blocks_count_like_all_others():
    document = a_document(a_block("b", a_step("x"), a_step("y", depends_on=["x"])))

    assert errors(document, limits=Limits(max_steps=2)) == [("/steps", "too_many_steps")]
    assert errors(document, limits=Limits(max_edges=0)) == [("/steps", "too_many_edges")]
    assert checked(document, limits=Limits(max_steps=3, max_edges=1)).valid


@pytest.mark.parametrize(
    ("block", "pointer"),
    [
        (a_block("b", a_step("x"), a_step("y"), for_each=[1] * 5), None),
        (a_block("b", a_step("x"), a_step("y"), for_each=[1] * 6), "/for_each"),
        (a_block("b", a_step("x"), a_step("y"), for_each={"items": [1] * 6}), "/for_each/items"),
        (a_block("b", a_step("x", for_each=[1] * 4), for_each=[1] * 3), "/for_each"),
        (a_block("b", a_block("c", a_step("x"), for_each=[1] * 4), for_each=[1] * 3), "/for_each"),
        (a_block("b", a_step("x", for_each=[1] * 8), a_step("y", for_each=[1] * 8)), None),
        (a_block("b", a_step("x"), for_each="{{ params.l }}"), None),
        (a_block("b", a_step("x"), a_step("y"), for_each=[1] * 11), "/for_each"),
        (a_block("b", a_step("x"), for_each=[]), None),
    ],
)
def test_a_written_list_makes_a_bounded_number_of_steps(block, pointer):
    found = errors(a_document(block, parameters=PARAMETERS), limits=Limits(max_items=10))

    assert found == ([] if pointer is None else [(f"/steps/0{pointer}", "too_many_items")])


# ── References ───────────────────────────────────────────────────────────────────────────


def test_a_step_sees_what_it_depends_on_and_what_the_blocks_around_it_depend_on():
    inner = a_block(
        "c",
        says("{{ steps.a.outputs.message }} {{ steps.w.status }}", "y", depends_on=[]),
        says("{{ steps.y.outputs.message }} {{ params.p }} {{ secrets.s }}", "z", depends_on=["y"]),
        depends_on=["w"],
        outputs={
            "n": "{{ steps.y.outputs.message ~ steps.z.outputs.level ~ steps.w.status ~ steps.a }}"
        },
    )
    outer = a_block(
        "b", a_step("w"), inner, depends_on=["a"], condition="steps.a.status", outputs={"n": 1}
    )

    assert wrong(a_step("a"), outer, says("{{ steps.b.outputs.n }}", depends_on=["b"])) == []


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (
            [a_step("a"), a_block("b", says("{{ steps.a.status }}"))],
            "'a' is outside of the block 'b': let 'b' depend on 'a'.",
        ),
        (
            [a_block("b", a_step("y"), says("{{ steps.y.status }}"))],
            "Add 'y' to depends_on of 'x'.",
        ),
        (
            [a_block("b", a_step("y"), a_block("c", says("{{ steps.y.status }}")))],
            "'y' is outside of the block 'c': let 'c' depend on 'y'.",
        ),
        (
            [a_block("b", a_step("x")), says("{{ steps.x.status }}", "a", depends_on=["b"])],
            "'x' is inside the block 'b': name what is needed in the outputs of 'b'.",
        ),
        (
            [BESIDE, a_block("b", says("{{ steps.z.status }}"), depends_on=["c"])],
            "'z' is inside the block 'c': name what is needed in the outputs of 'c'.",
        ),
        (
            [a_block("b", says("{{ steps.a.status }}")), a_step("a", depends_on=["b"])],
            "'a' runs after the block 'b'.",
        ),
        (
            [a_block("b", says("{{ steps.x.status }}"))],
            "A step has no outputs before it has run.",
        ),
        (
            [a_block("b", a_step("x"), condition="steps.x.status")],
            "'x' is inside of 'b', which ends after it.",
        ),
        (
            [a_block("b", a_block("c", a_step("x")), outputs={"n": "{{ steps.x.status }}"})],
            "'x' is inside the block 'c': name what is needed in the outputs of 'c'.",
        ),
    ],
)
def test_a_step_that_cannot_be_seen_gets_a_hint_where_it_is(steps, said):
    report = found(*steps)

    assert [(issue.code, issue.hint) for issue in report.errors] == [("not_an_ancestor", said)]


def test_what_is_in_a_block_is_hidden_from_outputs_and_handlers():
    reads = "{{ steps.x.status }}"
    report = found(
        a_block("b", a_step("x"), outputs={"n": 1}),
        outputs={"n": reads, "b": "{{ steps.b.outputs.n }}"},
        settings={"finally": [says(reads, "h")]},
    )

    assert sorted((issue.pointer, issue.code) for issue in report.errors) == [
        ("/outputs/n", "not_an_ancestor"),
        ("/settings/finally/0/params/message", "not_an_ancestor"),
    ]
    assert {issue.hint for issue in report.errors} == {
        "'x' is inside the block 'b': name what is needed in the outputs of 'b'."
    }


def test_a_step_in_a_block_cannot_see_a_handler():
    handlers = {"finally": [a_step("h")]}

    assert hint(a_block("b", says("{{ steps.h.status }}")), settings=handlers) == (
        "Handlers run when all steps have ended."
    )


def test_what_a_block_leaves_holds_no_secrets():
    assert wrong(a_block("b", a_step("x"), outputs={"n": ["{{ secrets.s }}"]})) == [
        ("/steps/0/outputs/n/0", "unknown_root")
    ]


# ── Items and rounds ─────────────────────────────────────────────────────────────────────

OF_ITEMS = ["item", "item_index", "item_key"]
OF_ROUNDS = ["result", "iteration", "failures"]
STATE = ROUNDS | {"carry": {"start": 0, "next": "{{ carry }}"}}
PLACES: dict[str, dict[str, Any]] = {
    "params/message": says("{{ NAME }}"),
    "condition": a_step("x", condition="NAME == 1"),
    "for_each": a_step("x", for_each="{{ NAME }}"),
    "for_each/key": a_step("x", for_each={"items": [1], "key": "{{ NAME }}"}),
    "catch/0/outputs/n": a_step("x", catch=[{"errors": "*", "outputs": {"n": "{{ NAME }}"}}]),
    "compensate/params/message": a_step(
        "x", compensate={"action": "log", "params": {"message": "{{ NAME }}"}}
    ),
    "concurrency/key": a_step("x", concurrency={"key": "{{ NAME }}"}),
    "outputs/n": a_block("x", a_step("y"), outputs={"n": "{{ NAME }}"}),
    "steps/0/params/message": a_block("x", says("{{ NAME }}", "y")),
    "while/condition": a_block("x", a_step("y"), **{"while": {"condition": "NAME"}}),
    "while/carry/start": a_block(
        "x", a_step("y"), **{"while": ROUNDS | {"carry": {"start": "{{ NAME }}", "next": 1}}}
    ),
    "while/max_iterations": a_block(
        "x", a_step("y"), **{"while": ROUNDS | {"max_iterations": "{{ NAME }}"}}
    ),
}


def _with_name(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _with_name(member, name) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_name(member, name) for member in value]
    return value.replace("NAME", name) if isinstance(value, str) else value


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"for_each": [1]}, OF_ITEMS),
        ({"while": ROUNDS}, OF_ROUNDS),
        ({"while": STATE}, [*OF_ROUNDS, "carry"]),
    ],
    ids=["for_each", "while", "state"],
)
def test_all_texts_in_a_repeated_block_know_its_item_or_its_round(place, fields, names):
    for name in names:
        step = _with_name(PLACES[place], name)

        assert wrong(a_block("b", step, **fields)) == []
        assert wrong(a_block("b", a_block("c", step), **fields)) == []


@pytest.mark.parametrize("name", [*OF_ITEMS, "carry"])
@pytest.mark.parametrize("place", PLACES)
def test_a_block_that_runs_once_knows_of_no_item_and_no_round(place, name):
    if name in ("item", "item_index") and place == "for_each/key":
        return  # its own
    step = _with_name(PLACES[place], name)

    assert wrong(a_block("b", step)) == [(f"/steps/0/steps/0/{place}", "unknown_root")]


def test_a_quorum_knows_params_and_nothing_else_wherever_it_is():
    rule = {"at_least": "{{ item_index }}"}
    step = a_step("x", depends_on=["y"], trigger_rule=rule)

    assert wrong(a_block("b", a_step("y"), step, for_each=[1])) == [
        ("/steps/0/steps/1/trigger_rule/at_least", "unknown_root")
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("condition", "item == 1"),
        ("for_each", "{{ item }}"),
        ("catch", [{"errors": "*", "outputs": {"n": "{{ item }}"}}]),
        ("compensate", {"action": "log", "params": {"message": "{{ item }}"}}),
    ],
)
def test_the_item_of_a_block_does_not_exist_where_the_block_is_still_one(field, value):
    block = {**a_block("b", a_step("x"), for_each=[1]), field: value}

    assert [code for _, code in wrong(block)] == ["unknown_root"]


@pytest.mark.parametrize("name", [*OF_ROUNDS, "carry"])
@pytest.mark.parametrize(
    ("loop", "place", "is_known"),
    [
        ({"condition": "NAME"}, "condition", True),
        ({"until": "NAME"}, "until", True),
        ({"until": "true", "collect": ["{{ NAME }}"]}, "collect/0", True),
        ({"until": "true", "delay_seconds": "{{ NAME }}"}, "delay_seconds", True),
        (ROUNDS | {"carry": {"next": {"n": "{{ NAME }}"}}}, "carry/next/n", True),
        (ROUNDS | {"carry": {"start": "{{ NAME }}", "next": 1}}, "carry/start", False),
        (ROUNDS | {"max_iterations": "{{ NAME }}"}, "max_iterations", False),
        (ROUNDS | {"tolerated_failures": "{{ NAME }}"}, "tolerated_failures", False),
    ],
)
def test_a_loop_over_steps_knows_what_the_action_that_repeats_them_knows(
    name, loop, place, is_known
):
    state = {"carry": {"start": 1, "next": 2}}
    block = a_block("b", a_step("x"), **{"while": _with_name(state | loop, name)})

    expected = [] if is_known else [(f"/steps/0/while/{place}", "unknown_root")]
    assert wrong(block) == expected


def test_a_loop_sees_what_its_block_sees_and_not_its_steps():
    loop = {"until": "steps.a.status == result.x", "collect": "{{ steps.x.status }}"}

    assert wrong(a_step("a"), a_block("b", a_step("x"), depends_on=["a"], **{"while": loop})) == [
        ("/steps/1/while/collect", "not_an_ancestor")
    ]


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"for_each": [1]}, OF_ITEMS),
        ({"while": ROUNDS}, OF_ROUNDS),
        ({"while": STATE}, [*OF_ROUNDS, "carry"]),
        ({}, []),
    ],
    ids=["for_each", "while", "state", "once"],
)
@pytest.mark.parametrize("where", ["step", "outputs"])
def test_of_a_block_around_only_its_item_or_its_round_can_be_read(fields, parts, where):
    for part in [*OF_ITEMS, *OF_ROUNDS, "carry", "outputs", "status", "error"]:
        text = f"{{{{ steps.b.{part} }}}}"
        inner = a_block("c", says(text if where == "step" else "m"), for_each=[1])
        outputs = {"n": text} if where == "outputs" else {}
        block = a_block("b", inner, outputs=outputs, **fields)

        assert [code for _, code in wrong(block)] == ["not_an_ancestor"] * (part not in parts)


def test_what_can_be_read_of_a_block_around_is_named():
    inside = says("{{ steps.b.outputs.n }}")

    assert hint(a_block("b", inside, for_each=[1])) == (
        "Inside of it there are item, item_index, item_key."
    )
    assert hint(a_block("b", inside)) == ("Its outputs are for steps after it.")


def test_the_block_itself_is_seen_from_outside_like_any_step():
    assert wrong(
        a_block("b", a_step("x"), for_each=[1], outputs={"n": 1}),
        says("{{ steps.b.outputs.results }}", "a", depends_on=["b"]),
        says("{{ steps.b.item }}", "c", depends_on=["b"]),
    ) == [("/steps/2/params/message", "unknown_step_field")]


def test_items_of_a_block_can_be_undone_one_by_one():
    undo = {"action": "log", "per_item": True, "params": {"message": "{{ item.outputs.n }}"}}

    for fields in ({"for_each": [1]}, {"while": ROUNDS}):
        assert wrong(a_block("b", a_step("x"), compensate=undo, **fields)) == []
    assert wrong(a_block("b", a_step("x"), compensate=undo)) == [
        ("/steps/0/compensate/per_item", "has_no_items")
    ]


def test_whoever_repeats_what_repeats_itself_is_told_of_blocks():
    loop = {"until": "true", "action": "log"}

    said = hint(a_step("a", action="while", params=loop, for_each=[1]))

    assert said == "Repeat a block: a step with 'steps', and that action in one of these."
    assert wrong(a_block("b", a_step("a", action="while", params=loop), for_each=[1])) == []


def test_the_action_of_a_loop_cannot_be_taken_from_the_outside():
    assert wrong(a_step("a", action=BLOCK)) == [("/steps/0/action", "unknown_action")]


# ── Whatever comes ───────────────────────────────────────────────────────────────────────


def test_a_thousand_steps_in_blocks_are_checked_in_seconds_like_a_thousand_others():
    def line(first: int) -> list[dict[str, Any]]:
        reads = (
            says(f"{{{{ steps.s{n - 1}.outputs.x }}}}", f"s{n}", depends_on=[f"s{n - 1}"])
            for n in range(first + 1, first + 250)
        )
        return [a_step(f"s{first}"), *reads]

    steps = line(0)
    for first in (250, 500, 750):
        steps = [a_block(f"b{first}", *steps), *line(first)]
    start = time.perf_counter()

    assert checked(a_document(*steps)).valid
    assert time.perf_counter() - start < 5


# ── Hints for those who know other engines ───────────────────────────────────────────────


def test_a_step_in_a_block_is_no_part_of_it_and_the_hint_names_the_outputs():
    block = a_block("b", a_step("c"))

    said = hint(block, says("{{ steps.b.steps.c.outputs.x }}", depends_on=["b"]))

    assert said == "Name what is needed in the outputs of 'b'."


def test_an_id_of_a_copied_block_is_told_with_the_place_of_the_first():
    [error] = found(a_block("b", a_step("c")), a_block("d", a_step("c"))).errors

    assert (error.pointer, error.code) == ("/steps/1/steps/0/id", "duplicate_step_id")
    assert error.hint is not None
    assert error.hint.startswith("The first is /steps/0/steps/0; ids are unique in the whole")


@pytest.mark.parametrize(
    ("field", "owner"),
    [("max_concurrency", "for_each"), ("until", "while"), ("limit", "concurrency")],
)
def test_a_field_of_an_object_of_a_step_is_led_to_it(field, owner):
    [warning] = found(a_block("b", a_step("c"), **{field: 3})).warnings

    assert (warning.pointer, warning.code) == (f"/steps/0/{field}", "unknown_field")
    assert warning.hint == f"It belongs in '{owner}'."


@pytest.mark.parametrize("field", ["steps", "retry"])
def test_a_field_of_a_step_among_its_params_is_led_out_of_them(field):
    params = {"items": [1], "action": "log", field: [{"id": "q"}]}

    [warning] = found(a_step("a", action="for_each", params=params)).warnings

    assert warning.hint == f"'{field}' is a field of the step, beside 'params'."


@pytest.mark.parametrize("field", ["while", "concurrency", "retry"])
def test_a_text_in_place_of_an_object_is_answered_with_an_example(field):
    said = hint(a_block("b", a_step("c"), **{field: "x"}))

    assert said is not None
    assert said.startswith("An object, such as {")


@pytest.mark.parametrize(
    ("fields", "name", "is_known"),
    [
        ({}, "n", True),
        ({}, "m", False),
        ({"for_each": [1]}, "n", False),
        ({"for_each": [1]}, "results", True),
        ({"while": {"until": "true"}}, "n", False),
        ({"while": {"until": "true"}}, "iterations", True),
        ({"catch": [{"errors": "*", "outputs": {"m": 1}}]}, "m", True),
    ],
)
def test_an_output_that_a_block_does_not_leave_is_an_error(fields, name, is_known):
    block = a_block("b", a_step("c"), outputs={"n": 1}, **fields)

    report = found(block, says(f"{{{{ steps.b.outputs.{name} }}}}", depends_on=["b"]))

    expected = [] if is_known else [("/steps/1/params/message", "unknown_output")]
    assert [(one.pointer, one.code) for one in report.errors] == expected
