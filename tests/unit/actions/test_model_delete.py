from __future__ import annotations

import pytest
from pipeline_engine_actions.model.delete import ModelDelete

from pipeline_engine.sdk import InvalidActionParams, StepStatus

ACTION = ModelDelete()


@pytest.mark.parametrize(("force", "sent"), [(None, "false"), (True, "true")])
def test_a_model_is_deleted_for_the_user_of_the_execution(service, door, peers, force, sent):
    service.answer("DELETE /models/m-1", {"message": "Model deleted"})

    end = peers.carry_out(ACTION, {"model_id": "m-1", "force": force}, engine=door)

    assert service.received[0].query == {"force": [sent], "user_id": ["ada"]}
    assert end.outputs == {"success": True, "model_id": "m-1", "message": "Model deleted"}


def test_a_model_that_is_gone_is_a_failure_unless_an_attempt_before_has_deleted_it(peers):
    first = peers.carry_out(ACTION, {"model_id": "m-gone"})
    second = peers.carry_out(ACTION, {"model_id": "m-gone"})
    repeated = peers.carry_out(ACTION, {"model_id": "m-gone"}, attempt=2)

    assert [end.status for end in (first, second, repeated)] == [
        StepStatus.COMPLETED,
        StepStatus.FAILED,
        StepStatus.COMPLETED,
    ]
    assert second.error == "Failed to delete model: Model m-gone not found"


def test_an_id_cannot_name_another_route(service, door, peers):
    with pytest.raises(InvalidActionParams):
        peers.carry_out(ACTION, {"model_id": ".."}, engine=door)

    peers.carry_out(ACTION, {"model_id": "../users/1"}, engine=door)

    assert [call.path for call in service.received] == []
