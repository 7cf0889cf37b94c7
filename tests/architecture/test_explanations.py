"""No wait without a reason, no reason and no check without its line in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.documentation import DOCS, table

from pipeline_engine.services import doctor
from pipeline_engine.services.audit import Disagreement
from pipeline_engine.services.doctor import access, broker, configuration, database, workers
from pipeline_engine.services.explain import FindingCode
from pipeline_engine.services.explain.steps import EXPLAIN

PAGE = DOCS / "howto" / "find-out-why.md"
OF_EXECUTIONS = {
    FindingCode.ENDED,
    FindingCode.ABORTING,
    FindingCode.SWEEP_SILENT,
    FindingCode.REDIS_AWAY,
    FindingCode.STUCK,
}


def names_of_checks() -> set[str]:
    tables = (
        *(database.CHECKS, database.ROWS, broker.CHECKS),
        *(configuration.CHECKS, access.CHECKS),
    )
    celery = {f"celery_{expected.name}" for expected in workers.EXPECTED}
    return named_in_the_source() | celery | {n for t in tables for n in t}


def named_in_the_source() -> set[str]:
    texts = [path.read_text() for path in Path(doctor.__file__).parent.glob("*.py")]
    return set(re.findall(r'Check\.of\(\s*"(\w+)"', "\n".join(texts)))


def test_every_code_of_a_step_has_words() -> None:
    assert set(EXPLAIN) == set(FindingCode) - OF_EXECUTIONS


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("What explain says", set(FindingCode)),
        ("What the doctor looks at", names_of_checks()),
        ("What the audit finds", set(Disagreement)),
    ],
)
def test_every_word_has_its_line_and_every_line_is_a_word(heading: str, known: set[str]) -> None:
    assert set(table(PAGE, heading)) == known
