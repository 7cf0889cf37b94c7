"""``/executions/{id}/explain`` over HTTP; no worker runs, so what is started stays queued."""

from __future__ import annotations

from uuid import uuid4

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.history_rows import START, a_step, an_execution

from pipeline_engine.storage.tables.executions import Execution


def parked(session: Session, user_id: str) -> Execution:
    """An execution whose only step is parked."""
    execution = an_execution(session, user_id=user_id)
    a_step(session, execution, "wait", "RUNNING", awaiting_event=True, deadline_at=START)
    session.commit()
    return execution


def test_a_reason_has_its_code_its_sentence_its_advice_and_its_facts(
    session: Session, alice: FlaskClient
) -> None:
    execution = parked(session, "alice")

    answer = alice.get(f"/api/v1/executions/{execution.id}/explain")

    found = {finding["step_id"]: finding for finding in answer.json["findings"]}["wait"]
    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["open_steps"]) == ("RUNNING", {"RUNNING": 1})
    assert found["code"] == "parked"
    assert "parked" in found["because"]
    assert "callback_url" in found["what_to_do"]
    assert found["facts"]["deadline_at"] == START.isoformat()
    assert set(found) == {
        "because",
        "code",
        "facts",
        "item_index",
        "since",
        "step_id",
        "what_to_do",
        "within",
    }


def test_it_is_served_at_the_root_too(session: Session, alice: FlaskClient) -> None:
    execution = parked(session, "alice")

    assert alice.get(f"/executions/{execution.id}/explain").status_code == 200


def test_what_belongs_to_another_user_or_to_nobody_is_404(
    session: Session, bob: FlaskClient, service: FlaskClient
) -> None:
    execution = parked(session, "alice")

    hidden = bob.get(f"/executions/{execution.id}/explain")
    unknown = service.get(f"/executions/{uuid4()}/explain")

    for answer in (hidden, unknown):
        assert (answer.status_code, answer.json["code"]) == (404, "execution_not_found")


def test_without_a_token_nothing_is_explained(session: Session, anybody: FlaskClient) -> None:
    execution = parked(session, "alice")

    assert anybody.get(f"/executions/{execution.id}/explain").status_code == 401
