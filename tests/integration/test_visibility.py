"""What a caller sees is one rule: lists, reads, starts by id and starts by name agree on it."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session
from support.history_rows import a_pipeline

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.errors import PipelineNotFound
from pipeline_engine.services import pipelines
from pipeline_engine.services.pages import Page
from pipeline_engine.services.pipelines import PipelineFilter
from pipeline_engine.storage.pipelines import newest, newest_named

ALICE = Caller("alice")
FOR_ALICE = SYSTEM.acting_for("alice")
BOB = Caller("bob")
EVERYTHING = PipelineFilter(include_system=True)


@pytest.mark.parametrize(
    ("callers", "seen"),
    [
        ((ALICE,), {"alice's", "everybody's"}),
        ((FOR_ALICE,), {"alice's", "everybody's"}),
        ((BOB,), {"bob's", "everybody's"}),
        ((SYSTEM,), {"alice's", "bob's", "everybody's", "nobody's"}),
        ((ALICE, SYSTEM), {"alice's", "everybody's"}),
        ((ALICE, BOB), {"everybody's"}),
    ],
)
def test_what_is_listed_read_and_started_is_the_same(
    session: Session, callers: tuple[Caller, ...], seen: set[str]
) -> None:
    ids = {
        "alice's": a_pipeline(session, name="alice's", user_id="alice").id,
        "bob's": a_pipeline(session, name="bob's", user_id="bob").id,
        "everybody's": a_pipeline(session, name="everybody's", system_owned=True).id,
        "nobody's": a_pipeline(session, name="nobody's").id,
    }
    connection = session.connection()

    listed = set.intersection(*(_listed(session, caller) for caller in callers))
    read = set.intersection(*(_read(session, caller) for caller in callers))
    by_id = {name for name, one in ids.items() if newest(connection, one, callers)}
    by_name = {name for name in ids if newest_named(connection, name, callers)}

    assert (listed, read, by_id, by_name) == (seen,) * 4


def _listed(session: Session, caller: Caller) -> set[str]:
    found = pipelines.listed(caller, session, EVERYTHING, Page())
    return {stored.pipeline.name for stored in found.entries}


def _read(session: Session, caller: Caller) -> set[str]:
    everything = pipelines.listed(SYSTEM, session, EVERYTHING, Page())
    return {one.pipeline.name for one in everything.entries if _sees(session, caller, one)}


def _sees(session: Session, caller: Caller, stored: pipelines.StoredPipeline) -> bool:
    try:
        return pipelines.get(caller, session, stored.pipeline.id) is not None
    except PipelineNotFound:
        return False
