"""A standing order starts its pipeline for its owner, with the rights of whoever has saved it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from support.factories import a_document, a_step

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.identity import new_id
from pipeline_engine.domain.masking import MASK
from pipeline_engine.errors import AdministratorsOnly, InvalidParams, PipelineNotFound
from pipeline_engine.scheduler import standing_orders as scheduler
from pipeline_engine.scheduler.outbox import send
from pipeline_engine.scheduler.standing_orders import Occasion
from pipeline_engine.scheduler.transaction import transaction
from pipeline_engine.services import pipelines, standing_orders
from pipeline_engine.services.pipelines import PipelineRequest
from pipeline_engine.storage.tables.executions import Execution

ADA = Caller("ada", rights=frozenset({"executions:run", "pipelines:write"}), principal="token:1")
PARAMETERS = [
    {"name": "version", "required": True},
    {"name": "password", "type": "secret", "required": False},
    {"name": "hosts", "type": "array", "default": []},
]
SAYS = "{{ params._trigger.type }} {{ params.version }}"


@pytest.fixture
def driver(drive: Any) -> Any:
    return drive()


@pytest.fixture
def pipeline_id(driver: Any, session: Any) -> UUID:
    document = a_document(a_step("a", params={"message": SAYS}), parameters=PARAMETERS)
    request = PipelineRequest(document=document | {"name": "release"})
    found = pipelines.create(ADA, session, driver.runtime, request).pipeline.id
    session.commit()
    return found


def an_order(driver: Any, session: Any, pipeline_id: UUID, **params: Any) -> Any:
    """A row as a schedule, a webhook or an event trigger would have it."""
    order_id = new_id()
    checked = standing_orders.checked(
        ADA, session, driver.runtime, pipeline_id, params, order_id=order_id
    )
    return SimpleNamespace(
        id=order_id,
        user_id="ada",
        authority=checked.authority,
        pipeline_id=checked.pipeline_id,
        params=checked.params,
        sealed=checked.sealed,
        callback_topics=["releases"],
        subscriber_ids="s-1",
        payload_type=None,
        notification_workflow_id=None,
    )


def follow(driver: Any, order: Any, **params: Any) -> UUID:
    occasion = Occasion(
        initiator="scheduled", trigger={"type": "scheduled"}, params=params, execution_id=new_id()
    )
    with transaction(driver.runtime) as tx:
        started = scheduler.follow(tx, order, occasion)
    send(tx)
    assert started.id == occasion.execution_id
    return started.id


def test_an_execution_is_told_what_has_started_it(
    driver: Any, session: Any, pipeline_id: UUID
) -> None:
    order = an_order(driver, session, pipeline_id, version="1")

    end = driver.finish(follow(driver, order, version="2"))

    assert end.step("a").outputs["message"] == "scheduled 2"
    row = end.execution
    assert (row.user_id, row.initiator, row.authority["started_by"]) == (
        "ada",
        "scheduled",
        "token:1",
    )
    assert (row.callback_topics, row.subscriber_ids) == (["releases"], "s-1")


def test_a_secret_param_lies_sealed_in_the_order_and_in_what_it_starts(
    driver: Any, session: Any, pipeline_id: UUID
) -> None:
    order = an_order(driver, session, pipeline_id, version="1", password="correct-horse")

    started = follow(driver, order)

    row = session.scalars(select(Execution).where(Execution.id == started)).one()
    assert "correct-horse" not in f"{order.params} {row.params} {row.given_params}"


def test_a_client_may_change_what_stands_beside_a_secret_that_it_was_not_shown(
    driver: Any, session: Any, pipeline_id: UUID
) -> None:
    hosts = [{"name": "a.example", "password": "correct-horse"}]
    order = an_order(driver, session, pipeline_id, version="1", hosts=hosts, password="s3cret-x")
    shown = standing_orders.shown_params(order, PARAMETERS)

    (host,) = shown["hosts"]
    changed = {**shown, "version": "2", "hosts": [{**host, "name": "b.example"}]}
    kept = standing_orders.kept_params(driver.runtime.sealer, order, changed, PARAMETERS)
    with pytest.raises(InvalidParams) as refused:
        an_order(driver, session, pipeline_id, version="1", hosts=[host, host])

    assert "correct-horse" not in str(shown)
    assert kept["hosts"] == [{"name": "b.example", "password": "correct-horse"}]
    assert (kept["version"], kept["password"]) == ("2", "s3cret-x")
    assert {one.code for one in refused.value.facts["problems"]} == {"masked"}


def test_a_secret_stays_one_when_another_pipeline_takes_it_for_a_text(
    driver: Any, session: Any, pipeline_id: UUID
) -> None:
    given = {"version": "1", "password": "ab"}  # too short to be found in other texts
    order = an_order(driver, session, pipeline_id, **given)
    texts = [{"name": "version"}, {"name": "password"}]
    request = PipelineRequest(document=a_document(parameters=texts) | {"name": "other"})
    other = pipelines.create(ADA, session, driver.runtime, request).pipeline.id

    told = (ADA, session, driver.runtime, other)
    moved = standing_orders.checked(*told, given, order_id=order.id, before=order)
    order.params, order.sealed = moved.params, moved.sealed
    changed = {**given, "password": "public"}
    replaced = standing_orders.checked(*told, changed, order_id=order.id, before=order)

    assert (moved.sealed, moved.params["version"]) == (True, "1")
    assert standing_orders.shown_params(order, texts)["password"] == MASK
    assert replaced.params["password"] == "public"
    assert scheduler.opened_params(driver.runtime.sealer, order).value == given


def test_what_belongs_to_others_or_does_not_fit_is_refused_when_it_is_saved(
    driver: Any, session: Any, pipeline_id: UUID
) -> None:
    def saved_by(caller: Caller, **params: Any) -> None:
        standing_orders.checked(
            caller, session, driver.runtime, pipeline_id, params, order_id=new_id()
        )

    with pytest.raises(PipelineNotFound):
        saved_by(Caller("bob", rights=ADA.rights), version="1")
    with pytest.raises(InvalidParams):
        saved_by(ADA)
    with pytest.raises(AdministratorsOnly):
        saved_by(Caller(rights=frozenset({"owners:any"})), version="1")


def test_an_order_whose_pipeline_is_gone_starts_nothing(
    driver: Any, session: Any, pipeline_id: UUID
) -> None:
    order = an_order(driver, session, pipeline_id, version="1")
    pipelines.delete(ADA, session, pipeline_id)
    session.commit()

    with pytest.raises(PipelineNotFound):
        follow(driver, order)
