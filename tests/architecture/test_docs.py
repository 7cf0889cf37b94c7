"""The documentation names everything that the code knows, and nothing that it does not."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import click
import marshmallow
import pytest
from support.documentation import DOCS, ROOT, anchors, blocks, links, pages, prose, table, words

from pipeline_engine.cli import main
from pipeline_engine.config import Settings, setting_names
from pipeline_engine.domain import checks, states
from pipeline_engine.domain.audit_log import Act
from pipeline_engine.domain.phases import PHASE_MOVES
from pipeline_engine.domain.readiness import SkipReason
from pipeline_engine.domain.subscriptions import MessageStatus, SubscriptionStatus
from pipeline_engine.failpoints import Failpoint
from pipeline_engine.registry import Registry
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.actions import calls, fan_outs, results
from pipeline_engine.scheduler.advance import fan_out, outcome
from pipeline_engine.services import inbox
from pipeline_engine.services.actions import Catalogue
from pipeline_engine.storage.tables.events import EventType
from pipeline_engine.storage.tables.inbox import Disposition

README = ROOT / "README.md"
SETTINGS = DOCS / "reference" / "settings.md"
STATUSES = DOCS / "reference" / "statuses-and-events.md"
AUDIT_LOG = DOCS / "reference" / "audit-log.md"
FAULTS = DOCS / "howto" / "inject-faults.md"
ADR = DOCS / "adr"
PAGES = pages()

#: What the engine promises, word for word; whoever changes it changes the product.
PROMISE = """
An accepted execution is never lost. A step's result is recorded once. An action's effect happens
at least once if it declares `idempotent` (it gets a stable key per step, the same on every
attempt), and at most once per attempt with no automatic repeat after a crash if it does not: then
the step says `outcome_unknown`. A callback answered with 2xx is never lost and never applied twice,
be it early, late, doubled or out of order.
"""


def name_of(value: Any) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)


# ── Promise, changelog, decisions ────────────────────────────────────────────────────────


def test_the_readme_prints_the_promise_word_for_word() -> None:
    printed = " ".join(README.read_text(encoding="utf-8").split())

    assert " ".join(PROMISE.split()) in printed


def test_the_changelog_has_a_place_for_what_is_not_released_yet() -> None:
    unreleased = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("## Unreleased\n")[2]

    assert re.search(r"^### (Added|Changed|Deprecated|Removed|Fixed|Security)$", unreleased, re.M)
    assert re.search(r"^- .+\.$", unreleased, re.M)


def test_decision_records_are_numbered_without_gaps() -> None:
    numbers = [int(page.name[:4]) for page in sorted(ADR.glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("page", sorted(ADR.glob("*.md")), ids=name_of)
def test_a_decision_record_says_why_and_what_follows(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert re.search(r"^Status: (accepted|superseded by \[\d+\]\(.+\))$", text, re.M)
    assert re.findall(r"^## (.+)$", text, re.M) == ["Context", "Decision", "Consequences"]


# ── Settings ─────────────────────────────────────────────────────────────────────────────


def rows_of_settings() -> dict[str, tuple[str, ...]]:
    text = SETTINGS.read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.M)
    return {name: cells for heading in headings for name, cells in table(SETTINGS, heading).items()}


def shown(field: marshmallow.fields.Field[Any]) -> str:
    """A default as the page shows it."""
    if field.required:
        return "required"
    default = field.load_default
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, int):
        return f"`{default}`"
    if isinstance(default, float):
        return f"`{default:.0f}`" if default.is_integer() else f"`{default:g}`"
    if isinstance(default, tuple):
        default = ",".join(default)
    return f"`{default}`" if default else "none"


def test_every_setting_has_its_line_and_every_line_is_a_setting() -> None:
    assert list(rows_of_settings()) == list(setting_names())


@pytest.mark.parametrize(
    "variable", [f.metadata["variable"] for f in fields(Settings) if f.metadata]
)
def test_the_page_shows_the_default_that_the_code_has(
    variable: marshmallow.fields.Field[Any],
) -> None:
    default, meaning = rows_of_settings()[str(variable.data_key)]

    assert default == shown(variable)
    assert meaning


def test_every_place_to_die_has_its_line_with_its_number_and_its_moment() -> None:
    assert table(FAULTS, "Places") == {p.value: (p.number, p.place) for p in Failpoint}


# ── Statuses, events, deliveries ─────────────────────────────────────────────────────────


def test_every_act_has_its_line_with_its_target_and_its_sentence() -> None:
    documented = table(AUDIT_LOG, "Acts")

    assert documented == {str(act): (act.noun or "-", act.told) for act in Act}


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("Pipelines", states.PipelineStatus),
        ("Executions", states.ExecutionStatus),
        ("Steps", states.StepStatus),
        ("Why a step was skipped", SkipReason),
        ("Subscriptions", SubscriptionStatus),
        ("Messages", MessageStatus),
        ("Events", EventType),
    ],
)
def test_every_word_has_its_line_and_every_line_is_a_word(
    heading: str, known: type[StrEnum]
) -> None:
    assert set(table(STATUSES, heading)) == set(known)


def test_the_page_has_the_phases_and_the_moves_between_them() -> None:
    documented = {phase: words(cells[2]) for phase, cells in table(STATUSES, "Phases").items()}

    assert documented == {str(phase): set(map(str, to)) for phase, to in PHASE_MOVES.items()}


def test_every_disposition_and_every_outcome_has_its_line() -> None:
    outcomes_of_the_door = {inbox.ACCEPTED, inbox.EARLY, inbox.DUPLICATE, inbox.CLOSED}

    assert set(table(STATUSES, "Deliveries")) == {*Disposition, *outcomes_of_the_door}


@pytest.mark.parametrize(
    ("heading", "moves"),
    [("Executions", states.EXECUTION_MOVES), ("Steps", states.STEP_MOVES)],
)
def test_the_page_has_the_moves_that_exist(heading: str, moves: Any) -> None:
    documented = {status: words(cells[1]) for status, cells in table(STATUSES, heading).items()}

    assert documented == {str(status): set(map(str, to)) for status, to in moves.items()}


def codes_of_steps() -> set[str]:
    """Every code that the scheduler gives to a step of its own accord."""
    found = {
        fan_out.TIMEOUT,
        fan_out.REVOKED,
        sweep.OUTCOME_UNKNOWN,
        sweep.WORKER_LOST,
        fan_out.TooManyItems.code,
    }
    found |= {calls.ACTION_CRASHED, calls.INVALID_PARAMS, fan_outs.ITEMS_FAILED}
    found.add(results.InvalidResult.code)
    for path in Path(outcome.__file__).parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "error_code":
                found |= {n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)}
    return {code for code in found if isinstance(code, str)}


def test_the_search_for_codes_finds_them() -> None:
    assert {"action_failed", "event_failed"} <= codes_of_steps()


@pytest.mark.parametrize("code", sorted(codes_of_steps()))
def test_the_codes_that_the_engine_gives_to_steps_have_their_line(code: str) -> None:
    assert code in table(STATUSES, "Why a step failed")


# ── Links ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = [link for link in links(page) if not leads_somewhere(page, link)]

    assert broken == []


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [README]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = [(page.parent / link.partition("#")[0]).resolve() for link in links(page)]
        for target in targets:
            waiting += sorted(target.glob("*.md")) if target.is_dir() else [target]

    assert {page for page in PAGES if page.is_relative_to(DOCS)} - reached == set()


# ── Examples ─────────────────────────────────────────────────────────────────────────────


def pipelines_shown() -> Iterator[tuple[str, dict[str, Any]]]:
    for page in PAGES:
        if page.name == "write-an-action.md":
            continue  # the action is the reader's own: test_packaging.py installs it first
        for block in blocks(page, "json"):
            document = json.loads(block)
            if isinstance(document, dict) and document.keys() >= {"name", "steps"}:
                yield name_of(page), document


def test_readme_and_quickstart_show_a_pipeline() -> None:
    assert {"README.md", "docs/quickstart.md"} <= {page for page, _ in pipelines_shown()}


@pytest.mark.parametrize(("page", "document"), list(pipelines_shown()), ids=name_of)
def test_a_pipeline_that_is_shown_passes_the_check(page: str, document: dict[str, Any]) -> None:
    report = checks.check(document, Catalogue(Registry.discover()))

    assert (report.errors, report.warnings) == ((), ())


def steps_shown() -> Iterator[tuple[str, dict[str, Any]]]:
    for page in PAGES:
        for block in blocks(page, "json"):
            document = json.loads(block)
            if isinstance(document, dict) and document.keys() >= {"id", "name", "action"}:
                yield name_of(page), document


@pytest.mark.parametrize(("page", "step"), list(steps_shown()), ids=name_of)
def test_a_step_that_is_shown_passes_the_check(page: str, step: dict[str, Any]) -> None:
    named = sorted(set(re.findall(r"params\.(\w+)", json.dumps(step))))
    document = {"name": "x", "parameters": [{"name": name} for name in named], "steps": [step]}

    report = checks.check(document, Catalogue(Registry.discover()))

    assert (report.errors, report.warnings) == ((), ())


def commands_shown() -> Iterator[tuple[str, list[str]]]:
    """Every call of make and of our own program in the examples, in words."""
    for page in PAGES:
        for block in blocks(page, "sh", ""):
            text = block.replace("\\\n", " ")
            for call in re.findall(r"(?:make|pipeline-engine)(?![\w@.\[])[^\n|)#;&]*", text):
                yield name_of(page), shlex.split(call.replace('"', ""))


@pytest.mark.parametrize(("page", "call"), list(commands_shown()), ids=name_of)
def test_a_command_that_is_shown_exists_with_its_options(page: str, call: list[str]) -> None:
    program, *arguments = call

    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
        assert set(arguments) <= set(targets)
    else:
        assert unknown_in(main, arguments) == []


def unknown_in(command: click.Command, arguments: list[str]) -> list[str]:
    """What *command* would not understand of *arguments*."""
    if isinstance(command, click.Group):
        name, *others = arguments
        found = command.get_command(click.Context(command), name)
        return unknown_in(found, others) if found else [name]
    known = {option for parameter in command.params for option in parameter.opts}
    given = [word.partition("=")[0] for word in arguments if word.startswith("-")]
    return [option for option in given if option not in known]


def commands_of_the_console() -> Iterator[tuple[str, str]]:
    """Every call of our own program that a page of the console says one may type."""
    sources = ROOT / "web" / "console" / "src"
    for source in sorted(sources.rglob("*.ts*")):
        for typed in re.findall(r"[`>](pipeline-engine [a-z][^`<]+)[`<]", source.read_text()):
            for line in re.sub(r"\$?\{.*?\}+", "word", typed).splitlines():
                yield source.name, line


@pytest.mark.parametrize(("page", "line"), list(commands_of_the_console()))
def test_a_command_that_the_console_names_is_one_that_can_be_typed(page: str, line: str) -> None:
    command: click.Command = main
    _, *arguments = shlex.split(line)

    while isinstance(command, click.Group) and arguments:
        found = command.get_command(click.Context(command), arguments.pop(0))
        assert found is not None
        command = found
    try:
        command.make_context("typed", arguments or ["--help"])
    except click.exceptions.MissingParameter:
        raise
    except (click.exceptions.Exit, click.BadParameter):
        pass  # its help; a file that is not here


def test_every_folder_on_the_map_of_the_readme_is_there() -> None:
    folders = re.findall(r"`([\w/]+/)`", README.read_text(encoding="utf-8"))

    assert len(folders) > 10
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_begins_with_its_title_and_ends_its_fences(page: Path) -> None:
    assert page.read_text(encoding="utf-8").startswith("# ")
    assert "```" not in prose(page)
