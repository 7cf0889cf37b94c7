"""``storage/transitions.py`` is the only module that writes a status of an execution or a step.

And ``storage/admission.py`` the only one that puts a step in the queue.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.source_texts import texts

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline_engine", "web", "actions")
SOURCES = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
WRITER = ROOT / "pipeline_engine" / "storage" / "transitions.py"
GATE = WRITER.with_name("admission.py")
#: A pipeline has a status, too; it is not one of those that rivals fight for.
OF_PIPELINES = ROOT / "pipeline_engine" / "services" / "pipelines.py"

UPDATE = re.compile(
    r"\bUPDATE\s+(?:ONLY\s+)?(?:executions|step_executions)\b.*?\bSET\b"
    r"(?P<set>.*?)(?:\bWHERE\b(?P<where>.*))?$",
    re.IGNORECASE | re.DOTALL,
)
INSERT = re.compile(
    r"\bINSERT\s+INTO\s+(?:executions|step_executions)\s*\((?P<columns>[^)]*)\)", re.IGNORECASE
)
ASSIGNMENT = re.compile(r"(?<![.\w])status\s*=")
QUEUES = re.compile(r"(?<![.\w])queued_at\s*=\s*(\w+)")
MODELS = {"Execution", "StepExecution"}
WRITING_CALLS = {"values", "update"}


def updates(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Each ``UPDATE`` of one of the two tables: its line, its assignments, its condition."""
    for line, text in texts(tree):
        for statement in re.split(r"(?=\bUPDATE\b)", text):
            found = UPDATE.search(statement)
            if found:
                yield line, found["set"], found["where"] or ""


def writes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Whatever in a module writes a status, as SQL, through a model, or on a row in memory."""
    yield from ((line, "UPDATE") for line, given, _ in updates(tree) if ASSIGNMENT.search(given))
    for line, text in texts(tree):
        for found in INSERT.finditer(text):
            if re.search(r"\bstatus\b", found["columns"]):
                yield line, "INSERT"
    has_rows = any(module.startswith("pipeline_engine.storage") for module in _imports(tree))
    for node in ast.walk(tree):
        if has_rows and "status" in map(_attribute, _targets(node)):
            yield getattr(node, "lineno", 0), "assignment"
        elif isinstance(node, ast.Call) and _sets_status(node):
            yield node.lineno, "call"


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []


def _attribute(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else None


def _sets_status(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "setattr":
        return any(isinstance(a, ast.Constant) and a.value == "status" for a in call.args)
    named = any(keyword.arg == "status" for keyword in call.keywords)
    return named and (name in MODELS or name in WRITING_CALLS)


@pytest.mark.parametrize(
    "source",
    [
        "connection.execute(\"UPDATE executions SET status = 'FAILED'\")",
        "sql = 'UPDATE step_executions s SET queued_at = 1,' ' status = %(status)s WHERE id = 1'",
        "sql = f'UPDATE step_executions SET {column}, status = 1'",
        "sql = 'WITH a AS (SELECT 1) UPDATE executions SET outputs = NULL, status=2 WHERE true'",
        "sql = 'INSERT INTO executions (id, status) VALUES (1, 2)'",
        "from pipeline_engine.storage.rows import x\nexecution.status = 'FAILED'",
        "update(Execution).values(status='FAILED')",
        "Execution(id=1, status='RUNNING')",
        "session.query(StepExecution).update(status='x')",
        "setattr(step, 'status', 'FAILED')",
    ],
)
def test_no_way_to_write_a_status_escapes_this_test(source):
    assert list(writes(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "sql = \"UPDATE step_executions SET queued_at = now() WHERE status = 'PENDING'\"",
        "sql = \"SELECT status FROM executions WHERE status = 'PENDING'\"",
        "sql = \"UPDATE step_executions s SET worker = CASE WHEN s.status = 'X' THEN 1 END\"",
        "sql = 'UPDATE inbox SET status = 1'",
        "if step.status == 'FAILED': pass",
        "EventResult(status=StepStatus.FAILED)",
    ],
)
def test_reading_a_status_is_nobodys_fault(source):
    assert not list(writes(ast.parse(source)))


@pytest.fixture(scope="module")
def scanned():
    """What each module writes, and puts in the queue: all of them are read once."""
    trees = ((path, ast.parse(path.read_text())) for path in SOURCES)
    return {path: (list(writes(tree)), list(queuers(tree))) for path, tree in trees}


def test_nobody_but_transitions_writes_a_status(scanned):
    others = {
        f"{path.relative_to(ROOT)}:{line} ({how})"
        for path, (written, _) in scanned.items()
        if path not in {WRITER, OF_PIPELINES}
        for line, how in written
    }

    assert others == set()


def queuers(tree: ast.AST) -> Iterator[int]:
    """The lines of statements that put steps in the queue; a move that takes them out may."""
    for line, assigned, _ in updates(tree):
        if any(not value.startswith("NULL") for value in QUEUES.findall(assigned)):
            yield line


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("sql = 'UPDATE step_executions SET queued_at = now() WHERE true'", [1]),
        ("sql = 'WITH a AS (UPDATE step_executions s SET held = false, queued_at=CASE x'", [1]),
        ("sql = 'UPDATE step_executions SET queued_at = NULL, due_at = NULL'", []),
        ("sql = 'SELECT 1 FROM step_executions WHERE queued_at = now()'", []),
        ("sql = 'UPDATE inbox SET queued_at = now()'", []),
    ],
)
def test_what_puts_a_step_in_the_queue_is_recognised(source, found):
    assert list(queuers(ast.parse(source))) == found


def test_nobody_but_admission_puts_a_step_in_the_queue(scanned):
    others = {
        f"{path.relative_to(ROOT)}:{line}"
        for path, (_, queued) in scanned.items()
        if path != GATE
        for line in queued
    }

    assert others == set()
    assert scanned[GATE][1]


def test_every_move_names_the_statuses_that_it_leads_out_of():
    moves = [
        (line, where)
        for line, assigned, where in updates(ast.parse(WRITER.read_text()))
        if ASSIGNMENT.search(assigned)
    ]

    assert len(moves) >= 7
    assert [line for line, where in moves if not re.search(r"\bstatus (=|IN) ", where)] == []


def test_the_writer_writes_no_other_table_than_those_that_it_is_for():
    tables = {
        table.lower()
        for _, text in texts(ast.parse(WRITER.read_text()))
        for table in re.findall(r"(?<!KEY )\b(?:UPDATE|INSERT INTO|DELETE FROM)\s+(\w+)", text)
    }

    assert tables == {"executions", "step_executions", "events"}
