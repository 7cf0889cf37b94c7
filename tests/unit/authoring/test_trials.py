"""``actions try`` runs one action without servers and says what the engine would make of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.local_service import local_service

from pipeline_engine.cli import main

DONE = {"type": "job_completed", "status": "COMPLETED", "result": {"count": 7}}
NO_SERVERS = {"DATABASE_URL": "", "REDIS_URL": "", "PIPELINE_SECRET_KEY": ""}


def try_it(*words: object, **environment: str) -> Result:
    line = ["actions", "try", *map(str, words)]
    return CliRunner().invoke(main, line, env={**NO_SERVERS, **environment})


def tried(*words: object, **environment: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(try_it(*words, "--json", **environment).stdout)
    return document


def saved(folder: Path, body: str) -> Path:
    """A file with one action, which does what *body* says."""
    file = folder / f"action_{abs(hash(body))}.py"
    file.write_text(
        "import time\n"
        "from datetime import UTC, datetime\n"
        "from pipeline_engine.sdk import *\n"
        "N = OutputDefinition('n', 'int')\n"
        "META = ActionMeta('mine', 'Mine', 'Own', 'Mine.', outputs=[N])\n"
        "PARKED = {'awaiting_event': True, 'wake_at': datetime.now(UTC)}\n"
        "@register_action(META)\n"
        "class Mine(BaseActionExecutor):\n"
        "    def execute(self, context):\n"
        f"        {body}\n"
    )
    return file


def test_an_installed_action_shows_its_outputs_and_its_log() -> None:
    shown = try_it("log", "-p", "message=hello")

    assert shown.exit_code == 0, shown.output
    assert "completed" in shown.stdout
    assert "log: info hello" in shown.stdout


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e12", "0"])
def test_a_time_that_no_clock_can_be_set_to_is_a_slip_of_the_command_line(seconds: str) -> None:
    refused = try_it("log", "-p", "message=hello", "--timeout", seconds)

    assert refused.exit_code == 2
    assert "--timeout" in refused.stderr


def test_what_exits_is_a_failure_in_words_in_a_module_and_in_a_method(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("raise SystemExit(0)\n")

    refused, failed = try_it(script), tried(saved(tmp_path, "raise SystemExit(3)"))

    assert (refused.exit_code, f"{script}:1: SystemExit: 0" in refused.output) == (1, True)
    assert (failed["status"], failed["error"]) == ("failed", "SystemExit: 3")


def test_outputs_are_shown_as_they_are_stored_so_a_time_is_a_text(tmp_path: Path) -> None:
    file = saved(tmp_path, "return ActionResult(success=True, outputs={'n': datetime(2026, 5, 1)})")

    assert tried(file)["outputs"] == {"n": "2026-05-01T00:00:00"}
    assert "n  2026-05-01T00:00:00" in try_it(file).stdout


def test_a_type_of_a_param_may_be_written_as_its_word(tmp_path: Path) -> None:
    file = saved(tmp_path, "return ActionResult(success=True, outputs={'n': 1})")
    given = "params=[ParamDefinition('at', 'At', 'number')], outputs=[N]"
    file.write_text(file.read_text().replace("outputs=[N]", given))

    assert tried(file, "-p", "at=7")["status"] == "completed"


def test_an_action_in_a_file_runs_without_being_installed(write: Any) -> None:
    file = write("trial_greet") / "src" / "trial_greet" / "action.py"

    one = tried(f"{file}:TrialGreet", "-p", "name=1815")

    assert (one["status"], one["outputs"]) == ("completed", {"greeting": "Hello 1815"})
    assert one["log"] == [{"level": "info", "event": "greeting", "name": "1815"}]


def test_params_that_do_not_fit_are_refused_before_anything_is_called(write: Any) -> None:
    refused = try_it(write("trial_refusal"), "--json")

    one = json.loads(refused.stdout)
    assert (refused.exit_code, one["status"]) == (1, "refused")
    assert one["error"] == "Missing required parameter: name"


def test_a_refusal_is_shown_without_a_duration_because_nothing_ran(
    write: Any,
) -> None:
    shown = try_it(write("trial_unasked")).stdout

    assert shown.endswith("failed before it began: its params do not fit\n")


def test_a_parked_action_is_handed_the_events_until_one_ends_it(write: Any) -> None:
    stranger = {**DONE, "workflow_id": "of-others"}
    with local_service() as jobs:
        jobs.answer("POST /jobs", {"id": "job-1"})

        one = tried(
            write("trial_jobs", event_driven=True),
            *("-p", "what=sheep"),
            *(f"--event={json.dumps(event)}" for event in (stranger, {"type": "news"}, DONE)),
            PIPELINE_SERVICE_URLS=json.dumps({"jobs": jobs.url}),
        )

    assert one["waited_for"]["ids"] == ["job-1"]
    assert [heard["meant"] for heard in one["events"]] == ["nobody", "ignore", "complete"]
    assert one["outputs"] == {"job_id": "job-1", "status": "completed", "result": {"count": 7}}
    assert jobs.received[0].headers["idempotency-key"]


def test_a_job_that_was_started_can_be_called_off_again(write: Any) -> None:
    with local_service() as jobs:
        jobs.answer("POST /jobs", {"id": "job-1"})
        jobs.answer("DELETE /jobs/job-1")

        one = tried(
            write("trial_cancel", event_driven=True),
            *("-p", "what=sheep", "--cancel"),
            PIPELINE_SERVICE_URLS=json.dumps({"jobs": jobs.url}),
        )

    assert (one["status"], one["notes"]) == ("parked", ["cancelled: cleanup was called"])
    assert [request.method for request in jobs.received] == ["POST", "DELETE"]


def test_a_peer_without_an_address_is_said_plainly(write: Any) -> None:
    refused = try_it(write("trial_nowhere", event_driven=True), "-p", "what=sheep")

    assert refused.exit_code == 1
    assert "Nobody has said where jobs is: PIPELINE_SERVICE_URLS=" in refused.stderr


def test_what_takes_a_running_engine_is_refused() -> None:
    one = tried("run_pipeline", "-p", "pipeline=other")

    assert (one["status"], one["error_code"]) == ("failed", "needs_engine")


@pytest.mark.parametrize(
    ("body", "words", "found"),
    [
        ("raise ValueError('no')", (), ("failed", "action_crashed", [])),
        ("return {'n': 1}", (), ("failed", "invalid_result", [])),
        (
            "return ActionResult(success=True, outputs={'n': {1}})",
            (),
            ("failed", "json_rejected", []),
        ),
        ("time.sleep(60)", ("--timeout", "0.2"), ("timed_out", "timeout", [])),
        (
            "return ActionResult(success=True, outputs={'m': 1})",
            ("-p", "strange=1"),
            (
                "completed",
                None,
                [
                    "it declares no param 'strange'",
                    "it left no output 'n'",
                    "it does not declare the output 'm'",
                ],
            ),
        ),
        (
            "return ActionResult(success=True, outputs={'n': 1}, **PARKED)",
            ("--wake",),
            ("completed", None, []),
        ),
    ],
    ids=["raises", "no result", "no json", "too slow", "careless", "woken"],
)
def test_what_the_engine_would_make_of_it_is_said(
    body: str, words: tuple[str, ...], found: Any, write: Any, tmp_path: Path
) -> None:
    one = tried(saved(tmp_path, body), *words)

    assert (one["status"], one["error_code"], one["notes"]) == found


def test_the_items_of_a_fan_out_run_one_after_the_other() -> None:
    one = tried(
        "for_each", "-p", "items=[1,2]", "-p", "action=log", "-p", 'action_params={"message":"hi"}'
    )

    assert (one["outputs"]["total"], one["outputs"]["failed"]) == (2, 0)


def test_a_file_that_cannot_be_loaded_is_refused_with_its_line(tmp_path: Path, write: Any) -> None:
    file = saved(tmp_path, "return = 3")

    refused = try_it(file)

    assert refused.exit_code == 1
    assert f"{file}:10: SyntaxError" in refused.stderr


def test_what_cannot_run_alone_is_told_apart_from_what_is_stored() -> None:
    refused = try_it("custom_notification")

    assert (refused.exit_code, "a stored action needs a pipeline" in refused.stderr) == (4, True)


def test_a_broken_package_beside_it_leaves_the_standard_output_to_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = tmp_path / "gone-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: gone\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(
        "[pipeline_engine.actions]\ngone = gone_away:Gone\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    shown = try_it("log", "-p", "message=hello", "--json")

    assert "action_broken" in shown.stderr
    assert json.loads(shown.stdout)["status"] == "completed"
