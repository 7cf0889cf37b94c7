"""Each invariant of the battery: a clean history passes, a planted violation is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psutil
import pytest
from support.driving import Driver
from support.factories import a_document
from support.lived_history import CANARY, SENT, Book, History, a_lived_history
from support.local_service import local_service
from support.waiting import wait_until
from support.webhooks import a_hook

from battery.evidence import Effect, Page, SentWebhook, Told
from battery.invariants import INVARIANTS
from battery.invariants.invariant import Invariant, NotChecked
from battery.invariants.service import MARK
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.services import event_triggers, inbox, pipelines
from pipeline_engine.services.inbox import Arrival
from pipeline_engine.services.pipelines import PipelineRequest


@pytest.fixture
def lived(drive: Callable[..., Driver]) -> History:
    book = Book()
    return a_lived_history(drive(*book.actions()), book)


def test_a_clean_history_violates_nothing(lived: History) -> None:
    assert list(lived.findings()) == [f"I{number}" for number in range(1, 20)]
    assert lived.violations() == {}


def test_what_cannot_be_checked_says_why(lived: History) -> None:
    def refuse(*_: object) -> list[str]:
        raise NotChecked("there is no clock here")

    with lived.driver.runtime.engine.connect() as connection:
        found = Invariant("I0", "Time flies.", refuse).check(connection, lived.evidence)

    assert found.skipped == "there is no clock here"


def test_every_invariant_is_a_sentence() -> None:
    assert all(invariant.sentence.endswith(".") for invariant in INVARIANTS)


ODD_CANARY = 'canary/"<odd>\\ \n1'


def in_base64(text: str) -> str:
    return b64encode(text.encode()).decode()


# ── Rows ─────────────────────────────────────────────────────────────────────────────────

STEP = "UPDATE step_executions SET {} WHERE step_id = 'once'"
AN_EVENT = (
    "INSERT INTO events (execution_id, step_execution_id, event_type, details)"
    " SELECT execution_id, id, '{}', '{{\"attempt\": {}}}' FROM step_executions"
    " WHERE step_id = '{}' AND parent_id IS NULL"
)
PENDING_FOR_LONG = (
    "UPDATE inbox SET disposition = 'pending', settled_at = NULL, verdict = NULL,"
    " queued_at = now() - interval '1 minute'"
)
AGAIN_PARKED = (
    "UPDATE step_executions SET status = 'RUNNING', awaiting_event = true WHERE step_id = 'wait';"
    " INSERT INTO correlations (external_id, step_execution_id, attempt, read_through)"
    " SELECT 'job', id, attempt, NULL FROM step_executions WHERE step_id = 'wait';"
    " UPDATE inbox SET disposition = 'pending', queued_at = NULL; DELETE FROM delivery_targets"
)
SHARED = (
    "UPDATE inbox SET received_at = now() - interval '1 hour';"
    " INSERT INTO delivery_targets SELECT d.delivery_id, s.id, 1, NULL, 'complete'"
    " FROM delivery_targets d, step_executions s WHERE s.step_id = 'once'"
)
KEPT_TWICE = (
    "DROP INDEX uq_inbox_source_delivery_key; INSERT INTO inbox (source, delivery_key, event_type,"
    " body, disposition, verdict, settled_at, queued_at, sender_id, external_id,"
    " step_execution_id) SELECT source, delivery_key, event_type, body, disposition, verdict,"
    " settled_at, queued_at, sender_id, external_id, step_execution_id FROM inbox"
)
STARTED_TWICE = (
    "DROP INDEX uq_executions_request_key; UPDATE executions SET request_key = 'same';"
    " INSERT INTO executions (id, revision_id, name, given_params, params, initiator,"
    " request_key) SELECT gen_random_uuid(), revision_id, name, '{}', '{}', initiator,"
    " request_key FROM executions"
)
TREE = (
    "INSERT INTO executions (id, revision_id, name, given_params, params, initiator, status,"
    " parent_execution_id, root_execution_id, parent_step_id) SELECT gen_random_uuid(),"
    " e.revision_id, e.name, '{}', '{}', e.initiator, 'RUNNING', e.id, e.id, s.id"
    " FROM executions e JOIN step_executions s ON s.execution_id = e.id AND s.step_id = 'once'"
    " CROSS JOIN generate_series(1, 1); "
    "UPDATE executions SET descendants = (SELECT count(*) - 1 FROM executions)"
    " WHERE root_execution_id IS NULL; "
)
CANCELLED_LONG_AGO = (
    "UPDATE executions SET tree_cancelled_at = now() - interval '1 minute'"
    " WHERE root_execution_id IS NULL"
)
UNMATCHED = "UPDATE inbox SET disposition = 'unmatched', body = jsonb_build_object('note', '{}')"
UNCOUNTED = "UPDATE executions SET descendants = 0"
ODDLY_ENDED = (
    'UPDATE events SET details = details || \'{"error_code": "odd"}\''
    " WHERE event_type = 'step_retrying'"
)
SKIPPED_INSTEAD = (
    "UPDATE events SET event_type = 'step_skipped', details = details || '{\"reason\": \"rule\"}'"
    " WHERE event_type = 'step_completed' AND details ->> 'step_id' = 'wait'"
)
IN_ROWS = {
    "an open execution that nothing moves": (
        "I1",
        "UPDATE executions SET status = 'RUNNING'",
        "nothing will move execution",
    ),
    "a ready step without a message": (
        "I1",
        STEP.format("status = 'PENDING'"),
        "nothing will move step once",
    ),
    "a worker that died long ago": (
        "I1",
        STEP.format("status = 'RUNNING', leased_until = now() - interval '1 minute'"),
        "1 expired leases, late by more than 10 s",
    ),
    "a message that is sent again and again": (
        "I1",
        STEP.format("status = 'PENDING', queued_at = now(), publish_count = 9"),
        "was sent 9 times, and nobody takes it",
    ),
    "two results": ("I2", AN_EVENT.format("step_completed", 1, "once"), "has 2 results"),
    "a write of a fenced attempt": (
        "I2",
        AN_EVENT.format("step_progress", 1, "flaky"),
        "attempt 1 wrote to step flaky",
    ),
    "an attempt that began twice": (
        "I2",
        AN_EVENT.format("step_started", 1, "once"),
        "attempt 1 of step once",
    ),
    "a gap between attempts": (
        "I2",
        STEP.format("attempt = 3"),
        "does not know attempt 2 of step once",
    ),
    "a result of another attempt": (
        "I2",
        STEP.format("outputs = '{\"attempt\": 2}'"),
        "has the result of attempt 2, not of 1",
    ),
    "an accepted delivery without a row": (
        "I5",
        "DELETE FROM inbox",
        "delivery tests first was accepted, and is not in the inbox",
    ),
    "a delivery that is kept twice": (
        "I5",
        KEPT_TWICE,
        "delivery tests first is in the inbox 2 times",
    ),
    "a delivery that was never given to its step": (
        "I5",
        PENDING_FOR_LONG,
        "is pending, and its step has been there for a while",
    ),
    "a delivery that was closed although its step was completed": (
        "I5",
        "UPDATE inbox SET disposition = 'closed', verdict = NULL",
        "is COMPLETED, and no delivery was applied",
    ),
    "a delivery that says two things": (
        "I5",
        "UPDATE inbox SET verdict = NULL",
        "is applied, and its row contradicts that",
    ),
    "an end that the history does not tell": (
        "I6",
        "DELETE FROM events WHERE event_type = 'step_completed'",
        "is COMPLETED, its history says None",
    ),
    "an execution whose end the history does not tell": (
        "I6",
        "DELETE FROM events WHERE event_type = 'workflow_completed'",
        "is COMPLETED, its history says None",
    ),
    "a status that changed after the end": (
        "I6",
        STEP.format("status = 'FAILED'"),
        "is FAILED, its history says step_completed",
    ),
    "news after the end of a step": (
        "I6",
        AN_EVENT.format("step_progress", 1, "once"),
        "a step_progress follows the end of a step",
    ),
    "news after the end of the execution": (
        "I6",
        "INSERT INTO events (execution_id, event_type) SELECT id, 'cancelled' FROM executions",
        "a cancelled follows the end of execution",
    ),
    "a move of a step without an event": (
        "I6",
        STEP.format("lock_version = lock_version + 1"),
        "moved 3 times, its history tells of 2",
    ),
    "a move of the execution without an event": (
        "I6",
        "UPDATE executions SET lock_version = lock_version + 1",
        "moved 3 times, its history tells of 2",
    ),
    "a step that outlives its execution": (
        "I6",
        STEP.format("status = 'RUNNING'"),
        "has ended, and its step once is RUNNING",
    ),
    "progress that went back": (
        "I6",
        "UPDATE executions SET progress_percentage = 99",
        "its progress is 99.00 %",
    ),
    "two executions for one request": (
        "I7",
        STARTED_TWICE,
        "2 executions were started with the key same",
    ),
    "a fan-out that lost count": (
        "I8",
        "UPDATE step_executions SET items_open = 1 WHERE items_total IS NOT NULL",
        "counts [3, 1, 0] (all, open, failed) items, its rows are [3, 0, 0]",
    ),
    "a join that lost count": (
        "I8",
        STEP.format("remaining = 1"),
        "counts [2, 1, 2, 0] (all, open, succeeded, branched) dependencies",
    ),
    "a secret in a name": (
        "I9",
        f"UPDATE executions SET name = '{CANARY}'",  # noqa: S608
        "a secret is in a row of executions, column name",
    ),
    "a secret that nobody knows to be one": (
        "I9",
        f"""UPDATE events SET details = '{{"note": "{CANARY}"}}'""",  # noqa: S608
        "a secret is in a row of events, column details",
    ),
    "a step that began before it was free to": (
        "I11",
        "UPDATE events SET id = -id WHERE event_type = 'step_started'",
        "once: it began; expected: wait, by its trigger rule",
    ),
    "a skip that no rule asks for": (
        "I11",
        SKIPPED_INSTEAD,
        "wait: skipped (rule)",
    ),
    "a letter that is used up by nobody": (
        "I13",
        "UPDATE delivery_targets SET verdict = 'ignore'",
        "is applied, and that is not what the steps said to it",
    ),
    "a letter that was accepted and is kept": (
        "I13",
        "UPDATE inbox SET disposition = 'unmatched'",
        "is unmatched, and that is not what the steps said to it",
    ),
    "a letter that is closed without a token": (
        "I13",
        "UPDATE inbox SET disposition = 'closed'; DELETE FROM delivery_targets",
        "is closed, and no token binds it to an attempt",
    ),
    "a letter that is kept from who waits for it": (
        "I13",
        AGAIN_PARKED,
        "is kept, and step wait, which waits for it, was never offered it",
    ),
    "a kept letter that two have used": (
        "I13",
        SHARED,
        "was accepted by 2 steps, of which 1 began to wait",
    ),
    "a letter of a stranger": (
        "I14",
        "UPDATE inbox SET owner = 'bob'",
        "of bob was offered to step wait of the system",
    ),
    "a token that was used for another attempt": (
        "I14",
        "UPDATE inbox SET attempt = 2",
        "is for attempt 2 of step",
    ),
    "a target with a wrong owner": (
        "I14",
        "UPDATE delivery_targets SET owner = 'bob'",
        "bob is noted as the owner of step wait",
    ),
    "an execution that a cancel above it has missed": (
        "I16",
        TREE + CANCELLED_LONG_AGO,
        "is RUNNING, below",
    ),
    "an execution whose step was stopped": (
        "I16",
        TREE + STEP.format("status = 'SKIPPED', finished_at = now() - interval '1 minute'"),
        "and step once that waits for it has ended",
    ),
    "a tree that has lost count": (
        "I16",
        TREE + UNCOUNTED,
        "counts 0 below it, and there are 1",
    ),
    "a tree that has outgrown its bound": (
        "I16",
        TREE.replace("(1, 1)", "(1, 1200)"),
        "has 1201 executions, more than 1000",
    ),
    "an attempt that ended for a reason that nobody knows": (
        "I12",
        ODDLY_ENDED,
        "an attempt of step flaky",
    ),
    "a failure without a reason": (
        "I12",
        STEP.format("status = 'FAILED'"),
        "is FAILED because of None",
    ),
    "an ended step that keeps its lease": (
        "I12",
        STEP.format("leased_until = now()"),
        "still holds a lease",
    ),
    "an attempt that never ended": (
        "I12",
        STEP.format("attempt = 2"),
        "attempt 1 of step once",
    ),
    "a retry that was not counted": (
        "I12",
        STEP.format("retry_count = 1"),
        "counts [1, 0] (retries, lost workers), its history tells of [0, 0]",
    ),
    "an unknown outcome of what nobody had begun": (
        "I12",
        STEP.format("status = 'FAILED', error_code = 'outcome_unknown', attempt = 2"),
        "is outcome_unknown, and no worker had claimed it",
    ),
    "an unknown outcome of what may be repeated": (
        "I12",
        "UPDATE step_executions SET error_code = 'outcome_unknown' WHERE step_id = 'flaky'",
        "may be repeated, and was given up as outcome_unknown",
    ),
}


def test_every_violation_in_the_rows_is_found(lived: History, subtests: pytest.Subtests) -> None:
    for what, (invariant, plant, says) in IN_ROWS.items():
        with subtests.test(what):
            found = lived.violations_of(invariant, planted=plant)

            assert says in "\n".join(found)


def test_an_accepted_execution_without_a_row_is_lost(lived: History) -> None:
    never_stored = uuid4()

    found = lived.findings(accepted=[never_stored])["I1"]

    assert found.violations == [f"execution {never_stored} was accepted, and is not there"]


def test_a_delivery_that_was_refused_must_not_be_kept(lived: History) -> None:
    refused = replace(SENT, accepted=False, status=401, wave="forged")

    found = lived.findings(deliveries=[refused])["I5"]

    assert found.violations == ["delivery tests first was refused, and is in the inbox"]


def test_a_delivery_without_an_answer_may_be_kept_or_not(lived: History) -> None:
    unheard = [replace(SENT, key=key, accepted=False, status=None) for key in ("first", "other")]

    assert not lived.findings(deliveries=unheard)["I5"].violations


# ── The ledger ───────────────────────────────────────────────────────────────────────────

Change = Callable[[list[Effect]], list[Effect]]


def _without(moment: str, step: str) -> Change:
    return lambda effects: [
        e for e in effects if not (e.moment == moment and e.key.endswith(f":{step}"))
    ]


def _again(step: str, *, attempt: int) -> Change:
    """The last lines of the step once more, in another attempt."""
    return lambda effects: [
        *effects,
        *(
            replace(e, attempt=attempt, order=e.order + 100)
            for e in effects
            if e.key.endswith(f":{step}")
        ),
    ]


def _backwards(effects: list[Effect]) -> list[Effect]:
    """Dependants began before what they depend on."""
    return [replace(e, order=-e.order) for e in effects]


def _strange(effects: list[Effect]) -> list[Effect]:
    return [*effects, replace(effects[0], key=f"{uuid4()}:nowhere")]


IN_LEDGER: dict[str, tuple[str, Change, str]] = {
    "an effect of no step": ("I3", _strange, "nowhere belongs to no step"),
    "a result without a begin": ("I3", _without("begin", "each:1"), "which has no begin"),
    "a result without an end": ("I3", _without("end", "once"), "which has no end"),
    "an attempt that was made twice": (
        "I3",
        _again("once", attempt=1),
        "is not idempotent, and began attempt 1 more than once",
    ),
    "a repetition that nobody asked for": (
        "I3",
        _again("once", attempt=2),
        "was repeated though nobody knew how 1 went",
    ),
    "an overtaking": ("I4", _backwards, ":flaky ended"),
    "a step that did not wait for the last item": (
        "I4",
        lambda effects: [
            replace(e, order=1000) if e.key.endswith("each:2") and e.moment == "end" else e
            for e in effects
        ],
        "each:2 ended",
    ),
}


def test_every_violation_in_the_ledger_is_found(lived: History, subtests: pytest.Subtests) -> None:
    for what, (invariant, change, says) in IN_LEDGER.items():
        with subtests.test(what):
            effects = change(list(lived.evidence.effects))

            found = lived.violations_of(invariant, effects=effects)

            assert says in "\n".join(found)


def test_what_may_be_repeated_may_have_its_effect_again(lived: History) -> None:
    effects = _again("each:1", attempt=1)(list(lived.evidence.effects))

    found = lived.findings(effects=effects)

    assert not found["I3"].violations
    assert not found["I4"].violations


def test_no_invariant_is_without_a_violation_that_it_finds() -> None:
    planted = {row[0] for row in (*IN_ROWS.values(), *IN_LEDGER.values())}

    # I10 looks at processes and answers, I15 at logs, below.
    assert planted == {invariant.name for invariant in INVARIANTS} - {
        "I10",
        "I15",
        "I17",
        "I18",
        "I19",
    }


def test_a_sweep_that_came_late_is_found_in_the_logs(lived: History, tmp_path: Path) -> None:
    log = tmp_path / "worker-system.log"
    log.write_text("… [warning  ] sweep_late  [pipeline_engine.scheduler.sweep] seconds=12.0\n")
    a_fault = lived.violations_of("I15", logs=[log])
    log.write_text("… [warning  ] sweep_late  [pipeline_engine.scheduler.sweep] seconds=85.2\n")
    late = lived.violations_of("I15", logs=[log])

    assert list(a_fault) == []
    assert "85.2 s" in late[0]


# ── Logs, answers, processes ─────────────────────────────────────────────────────────────


def test_a_secret_in_a_log_is_found_and_not_repeated(lived: History, tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text(f"started\npassword={CANARY}\n")

    found = lived.findings(logs=[log])["I9"]

    assert found.violations == ["a secret is in web.log, line 2"]


@pytest.mark.parametrize("form", [json.dumps, repr, quote, in_base64])
def test_a_secret_is_found_in_whatever_form_it_is_written(
    lived: History, tmp_path: Path, form: Callable[[str], str]
) -> None:
    log = tmp_path / "worker.log"
    log.write_text(f"said {form(ODD_CANARY)}\n")

    found = lived.findings(logs=[log], canaries=[ODD_CANARY])["I9"]

    assert found.violations == ["a secret is in worker.log, line 1"]


@pytest.mark.parametrize("table", ["executions", "step_executions", "inbox", "pipeline_revisions"])
def test_a_secret_in_any_json_of_a_row_is_found(lived: History, table: str) -> None:
    column = {"executions": "params", "step_executions": "outputs", "inbox": "body"}.get(
        table, "document"
    )
    plant = f"""UPDATE {table} SET {column} = '{{"deep": ["Bearer {CANARY}"]}}'"""  # noqa: S608

    found = lived.violations_of("I9", planted=plant)

    assert f"a secret is in a row of {table}, column {column}" in found


def test_a_secret_in_redis_is_found(lived: History) -> None:
    runtime = lived.driver.runtime
    runtime.redis.hset("left-behind", "answer", json.dumps({"token": CANARY}))
    try:
        found = lived.findings(redis_url=runtime.settings.redis_url)["I9"]
    finally:
        runtime.redis.delete("left-behind")

    assert found.violations == ["a secret is in Redis, under a key of type hash"]


@pytest.mark.parametrize("form", [str, quote, in_base64])
def test_a_secret_on_a_page_is_found_whoever_shows_it(
    lived: History, form: Callable[[str], str]
) -> None:
    with local_service() as flower:
        flower.answer("GET /api/tasks", {"args": f"([1], {form(CANARY)})"})
        flower.answer("GET /workers", {"well": True})
        told = {"Authorization": "Basic of-the-battery"}
        pages = [Page(f"{flower.url}{path}", told) for path in ("/api/tasks", "/workers")]

        found = lived.violations_of("I9", pages=pages)

    assert list(found) == [f"a secret is shown at {flower.url}/api/tasks"]
    assert all(r.headers["authorization"] == told["Authorization"] for r in flower.received)


def test_a_page_that_is_not_shown_proves_nothing(
    lived: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("battery.invariants.pages.ANSWERS_WITHIN_SECONDS", 0)
    with local_service() as flower:
        found = lived.violations_of("I9", pages=[Page(f"{flower.url}/workers")])

    assert list(found) == [f"{flower.url}/workers cannot be read: HTTPError"]


def test_a_secret_in_a_letter_that_nobody_has_accepted_is_found(lived: History) -> None:
    plant = UNMATCHED.format(CANARY)

    found = lived.violations_of("I9", planted=plant)

    assert "a secret is shown in the list of deliveries (unmatched)" in found


def test_a_secret_among_arguments_or_in_the_environment_is_found(lived: History) -> None:
    told = {"CHATTY": CANARY, "PIPELINE_SECRET__X": CANARY, "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", "input()", CANARY]
    with subprocess.Popen(command, env=told, stdin=subprocess.PIPE) as process:
        found = lived.findings(processes=lambda: [process.pid])["I9"]
        process.communicate(b"\n")

    assert found.violations == [
        f"a secret is among the arguments of process {process.pid}",
        f"a secret is in the environment of process {process.pid}, in CHATTY",
    ]


def test_a_server_error_is_a_violation_and_503_is_none(lived: History) -> None:
    assert not lived.findings(answers={503: 9})["I10"].violations

    found = lived.findings(answers={200: 1, 500: 2})["I10"]

    assert found.violations == ["2 requests were answered with 500"]


def test_a_process_that_should_live_and_does_not_is_found(lived: History, briefly: None) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass

    found = lived.findings(processes=lambda: [os.getpid(), dead.pid])["I10"]

    assert found.violations == [f"process {dead.pid} has died, and should live"]


def test_a_process_that_has_lost_its_parent_is_found(
    lived: History, briefly: None, tmp_path: Path
) -> None:
    environment = {**os.environ, MARK: str(tmp_path)}
    waits = "import sys; print(flush=True); sys.stdin.read()"
    with (
        subprocess.Popen([sys.executable, "-c", waits], env=environment, **PIPES) as expected,
        subprocess.Popen([sys.executable, "-c", waits], env=environment, **PIPES) as orphan,
    ):
        wait_until(lambda: expected.stdout.readline() and orphan.stdout.readline(), what="both")

        found = lived.findings(processes=lambda: [expected.pid])["I10"]

        name = psutil.Process(orphan.pid).name()
        assert found.violations == [f"process {orphan.pid} ({name}) is an orphan"]
        for process in (expected, orphan):
            process.communicate(b"")


UNDECIDED = (
    "UPDATE delivery_targets SET verdict = 'pending' WHERE trigger_id IS NOT NULL;"
    " UPDATE inbox SET received_at = now() - interval '1 minute'"
)


def test_an_event_that_has_started_too_much_or_nothing_is_found(lived: History) -> None:
    runtime = lived.driver.runtime
    with runtime.sessions() as session:
        request = PipelineRequest(
            document=a_document(parameters=[{"name": "event", "type": "object"}])
        )
        stored = pipelines.create(SYSTEM, session, runtime, request)
        order = {"pipeline_id": stored.pipeline.id, "name": "t", "config": {"event_type": "x"}}
        event_triggers.create(SYSTEM, session, runtime, order)
        session.commit()
    inbox.accept(SYSTEM, runtime, Arrival(source="tests", body={"type": "x"}))
    lived.driver.settle()
    assert lived.violations_of("I17") == []

    planted = (
        ("UPDATE delivery_targets SET execution_id = NULL WHERE trigger_id IS NOT NULL", 2),
        ("UPDATE executions SET params = params - '_trigger' WHERE initiator = 'event'", 1),
        ("UPDATE event_triggers SET trigger_count = 2", 1),
        ("DELETE FROM delivery_targets WHERE trigger_id IS NOT NULL", 3),
        (UNDECIDED, 3),
    )
    for change, times in planted:
        found = lived.violations_of("I17", planted=change)
        assert len(found) == times, found


def test_an_event_that_was_told_to_nobody_too_early_or_twice_is_found(lived: History) -> None:
    with lived.driver.runtime.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT execution_id::text, row_number() OVER (PARTITION BY execution_id"
            " ORDER BY transaction_id, id), event_type, id FROM events"
        ).all()
    told = [Told(f"msg_{row[3]}", row[0], row[1], row[2]) for row in rows]
    told.sort(key=lambda one: one.sequence_number)
    first, second, *_ = [one for one in told if one.execution_id == told[0].execution_id]
    planted = (
        ([one for one in told if one is not second], "nobody was told of event 2"),
        ([second, *told], "was told before number 1"),
        ([*told, replace(first, message_id="another")], "and as another"),
    )

    assert lived.violations_of("I18", told=told) == []
    for heard, says in planted:
        assert says in "\n".join(lived.violations_of("I18", told=heard))


def test_what_a_webhook_has_accepted_and_is_lost_doubled_or_made_up_is_found(
    lived: History,
) -> None:
    hook = a_hook(lived.driver.runtime, config={"dedupe_key": "{{ body.params.key }}"})
    told = str(hook.knock(b'{"params": {"key": "a"}}').execution_id)
    hook.knock(b'{"params": {"key": "b"}}')
    lived.driver.settle()
    known = SentWebhook("a", told)
    planted: tuple[tuple[str, str], ...] = (
        (LEFT_PENDING, "has been pending for half a minute"),
        ("UPDATE webhook_deliveries SET execution_id = gen_random_uuid()", "there is no execution"),
        ("DELETE FROM webhook_deliveries", "no delivery has asked for it"),
        ("DELETE FROM webhook_deliveries", "was accepted, and is not in the list"),
        ("UPDATE webhook_deliveries SET outcome = 'refused'", "does not say why"),
        (SAME_KEY, "2 executions were started for the webhook delivery a"),
    )

    assert lived.violations_of("I19", webhooks=[known, SentWebhook("forged", None)]) == []
    assert lived.violations_of("I19", webhooks=[SentWebhook("b", None)])
    for change, says in planted:
        found = lived.violations_of("I19", planted=change, webhooks=[known])
        assert says in "\n".join(found), change


LEFT_PENDING = (
    "UPDATE webhook_deliveries SET outcome = 'pending', received_at = now() - interval '1 minute'"
)
SAME_KEY = "UPDATE executions SET params = params || '{\"key\": \"a\"}' WHERE initiator = 'webhook'"
PIPES: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


def test_a_transaction_that_nobody_ends_is_found(lived: History, briefly: None) -> None:
    with lived.driver.runtime.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")

        found = lived.findings()["I10"]

    assert len(found.violations) == 1
    assert "is idle in transaction for" in found.violations[0]


@pytest.fixture
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for what will not settle; a transaction is old at once."""
    monkeypatch.setattr("battery.invariants.service.SETTLES_WITHIN_SECONDS", 0)
    monkeypatch.setattr("battery.invariants.service.OPEN_FOR_SECONDS", 0)
