"""``pipeline-engine audit``: do the rows of an execution, its history and the rules agree?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import directory_option
from pipeline_engine.cli.group import example
from pipeline_engine.cli.installation import environment_of
from pipeline_engine.cli.naming import LAST, LONGEST_ID, NEWEST, NewestExecutions
from pipeline_engine.cli.output import Styled, json_option, print_json, print_line
from pipeline_engine.cli.states import mark, state

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from pipeline_engine.services.audit import Audit, Finding

DISAGREE = 1  #: exit code
WIDEST_PLACE = 24  #: columns up to which the names of steps are filled up


@click.command(epilog=example("pipeline-engine audit @last"))
@click.argument("execution", shell_complete=completion.executions)
@click.option(
    "--most-events",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    help="Of a longer history only what the database can count is looked at.",
)
@directory_option
@json_option
@click.pass_context
def audit(
    ctx: click.Context, execution: str, most_events: int, directory: Path, as_json: bool
) -> None:
    """Check that rows, history and rules of an execution agree; exit code 1 if they do not.

    EXECUTION is an id, the start of one, or @last; it may still run. Nothing is changed.

    Reads the database of the stack in --directory if that is given, else of DATABASE_URL, else
    of the stack that runs here.
    """
    from sqlalchemy.orm import Session

    from pipeline_engine.config import Settings
    from pipeline_engine.domain.callers import SYSTEM
    from pipeline_engine.services import audit as services
    from pipeline_engine.storage.postgres.session import make_engine

    engine = make_engine(Settings.from_env(environment_of(ctx, directory)))
    try:
        with Session(engine) as session:
            wanted = _execution_id(session, execution)
        with Session(engine) as session:
            found = services.audit(SYSTEM, session, wanted, most_events=most_events)
    finally:
        engine.dispose()
    if as_json:
        print_json(_document(found))
    else:
        _print(found)
    if not found.is_clean:
        ctx.exit(DISAGREE)


def _execution_id(session: Session, word: str) -> UUID:
    from pipeline_engine.domain.callers import SYSTEM
    from pipeline_engine.services.audit import newest

    if word == LAST or len(word) < LONGEST_ID:
        executions = newest(SYSTEM, session, limit=NEWEST)
        return UUID(NewestExecutions([{"id": one} for one in executions]).id_of(word))
    try:
        return UUID(word)
    except ValueError as error:
        raise click.BadParameter(f"{word!r} is no id of an execution.") from error


def _document(found: Audit) -> dict[str, Any]:
    return {
        "execution_id": str(found.execution_id),
        "status": found.status,
        "is_clean": found.is_clean,
        "is_retold": found.is_retold,
        "events": found.events,
        "most_events": found.most_events,
        "findings": [_finding(finding) for finding in found.findings],
        "left_out": found.left_out,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "step_id": finding.step_id,
        "item_index": finding.item_index,
        "within": finding.within,
        "found": finding.found,
        "expected": finding.expected,
        "what_to_do": finding.what_to_do,
    }


def _print(found: Audit) -> None:
    from pipeline_engine.services.audit import FIND_THE_CAUSE

    print_line(found.execution_id, state(found.status))
    for code, findings in groupby(sorted(found.findings, key=_code), key=_code):
        _print_kind(code, list(findings))
    if not found.is_clean:
        print_line()
        print_line(f"→ {FIND_THE_CAUSE}")
    print_line(mark(is_well=found.is_clean), _summary(found))
    if not found.is_retold:
        print_line(
            f"  Its history was not held against the rules: it has {found.events:,} events, and"
            f" {found.most_events:,} are read at most (--most-events)."
        )


def _code(finding: Finding) -> str:
    return finding.code


def _print_kind(code: str, findings: Sequence[Finding]) -> None:
    print_line()
    print_line(Styled(code, "cyan"))
    width = min(max(len(finding.place) for finding in findings), WIDEST_PLACE)
    for finding in findings:
        print_line(Styled(f"  {finding.place:<{width}}", "bold"), "", finding.found)
        print_line(" " * width + "    expected:", finding.expected)
    if first := findings[0].first:
        print_line(f"  → {first}")


def _summary(found: Audit) -> str:
    if found.is_clean:
        looked_at = "Rows, history and rules" if found.is_retold else "Rows and history"
        return f"{looked_at} agree: {found.events:,} events."
    count = len(found.findings) + found.left_out
    listed = f", {len(found.findings):,} of them listed" if found.left_out else ""
    return f"{count:,} {'finding' if count == 1 else 'findings'} in {found.events:,} events{listed}"
