"""Every service that reaches somebody's things is told who asks: the caller is its first argument.

What a caller may see is then decided by ``storage/visibility.py`` alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "pipeline_engine" / "services"
#: The doors of applications on the engine.
DOORS = (ROOT / "pipeline_engine" / "guardrails" / "workflows.py",)
#: What leads to rows: a way to the database, or a row's own name.
WAYS = {"Connection", "Engine", "Runtime", "Session", "Transaction", "UUID"}

#: Of the operator, for the whole installation: nobody's rows are shown.
OPERATORS = {
    "audit.audit_rows": "the same as `audit` for the doctor, which names ids and codes at most",
    "celery_tasks.tell_ended": "keeps what backends say of tasks that parked steps wait for",
    "doctor.run": "counts what stands still, and names ids at most; it runs on the machine",
    "doctor.examine": "the same with words, on the machine",
    "doctor.examine_within": "the same for administrators: counts, and ids at most",
    "system.asking.ask": "asks servers and processes, not rows",
    "system.description.describe": "says what the installation is made of; no row is shown",
    "inbox.accept_own": "what the engine has found out itself; nobody asks",
    "inbox.drain_spool": "the sweep moves what was accepted before; nothing is answered",
    "inbox.spool_of": "the name of a stream in Redis",
    "webhooks.keeping.keep_spooled": "what was accepted before; nothing is answered",
    "webhooks.last_known.keep_after_commit": "keeps in Redis what a service has just shown",
    "webhooks.spooling.add": "what the door has accepted while the database is away",
    "webhooks.spooling.drain": "the sweep moves what was accepted before; nothing is answered",
    "webhooks.spooling.spool_of": "the name of a stream in Redis",
    "webhooks.stored.parameters_of": "what a pipeline declares that its caller has looked up",
    "webhooks.view.place_of": "a text that is bound into a sealed secret",
    "retention.clean_up.clean_up": "beat, administrators and the mesh delete what is old",
    "retention.clean_up.overview": "counts what is old, for administrators",
    "retention.clean_up.stats": "counts what is old, for the mesh",
    "waits.check": "sweeps, as workers do by themselves",
    "waits.stats": "counts what is parked, for the mesh",
}
#: Without a look at anybody's rows.
NOBODYS = {
    "executions.commit_and_send": "opens a transaction for what its caller does in it",
    "stored_pipelines.as_id": "reads an id, and looks nothing up",
    "stored_pipelines.not_found": "makes the error that says no more than the caller has asked",
    "definitions.check": "of a definition that is sent along; the runtime knows the actions",
    "schedules.reading.not_found": "makes the error that says no more than the caller has asked",
    "webhooks.stored.as_id": "reads an id, and looks nothing up",
    "visibility.not_found": "makes the error that says no more than the caller has asked",
}
#: Let in by something else.
OTHERWISE = {
    "stored_actions.catalogue.catalogue_of": "for the owner of a definition that was let in",
    "stored_actions.catalogue.catalogue_read": "for the owner of a definition that was let in",
    "quotas.check_stored_bytes": "of the owner of a row that its service has let in, and written",
    "tokens.holder": "the token is what tells who asks",
    "executions.ended": "the door asks for all whose answers it holds back; they have the ids",
    "webhooks.keeping.keep": "the door has looked who sends it, and whose webhook it is",
    "inbox.accept_answer": "the token names the attempt; whoever made it has looked who asks",
    "inbox.accept_callback": "the signed token in the URL is the only key",
}
WITHOUT_CALLER: Mapping[str, str] = OPERATORS | NOBODYS | OTHERWISE


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The public functions of a module."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def reaches_rows(function: ast.FunctionDef) -> bool:
    """Tell whether its arguments lead to rows."""
    given = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return any(
        argument.arg == "ids"
        or argument.arg.endswith(("_id", "_ids"))
        or not WAYS.isdisjoint(_names(argument.annotation))
        for argument in given
    )


def knows_caller(function: ast.FunctionDef) -> bool:
    """Tell whether its first argument is the caller."""
    first = next(iter((*function.args.posonlyargs, *function.args.args)), None)
    return first is not None and first.arg == "caller" and _names(first.annotation) == {"Caller"}


def _names(annotation: ast.expr | None) -> set[str]:
    found = ast.walk(annotation) if annotation else ()
    return {node.id for node in found if isinstance(node, ast.Name)}


def nobody_asks() -> Iterator[str]:
    """Each service that reaches rows for it does not know whom."""
    for path in (*sorted(SERVICES.rglob("*.py")), *DOORS):
        base = SERVICES if path.is_relative_to(SERVICES) else SERVICES.parent
        module = ".".join(path.relative_to(base).with_suffix("").parts)
        for function in functions(ast.parse(path.read_text())):
            if reaches_rows(function) and not knows_caller(function):
                yield f"{module.removesuffix('.__init__')}.{function.name}"


@pytest.mark.parametrize(
    "source",
    [
        "def f(session: Session): ...",
        "def f(session: Session, caller: Caller): ...",
        "def f(runtime: Runtime, *, caller: Caller): ...",
        "def f(execution_id): ...",
        "def f(ids): ...",
        "def f(found: Collection[UUID]): ...",
        "def f(wanted: UUID | None = None): ...",
        "def f(caller, session: Session): ...",
    ],
)
def test_no_way_to_rows_without_a_caller_escapes_this_test(source: str) -> None:
    function = next(functions(ast.parse(source)))

    assert reaches_rows(function)
    assert not knows_caller(function)


def test_a_service_that_is_told_who_asks_is_fine() -> None:
    source = "def f(caller: Caller, session: Session, execution_id: UUID): ..."

    assert knows_caller(next(functions(ast.parse(source))))


def test_every_service_that_reaches_rows_takes_the_caller_first() -> None:
    assert set(nobody_asks()) - WITHOUT_CALLER.keys() == set()


def test_what_is_excepted_exists() -> None:
    assert WITHOUT_CALLER.keys() - set(nobody_asks()) == set()
