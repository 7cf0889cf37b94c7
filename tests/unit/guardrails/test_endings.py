"""What the end of a pipeline leaves behind in its workflow."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline_engine.domain.guardrails import Phase, RunStatus
from pipeline_engine.guardrails.rules.endings import End, ended
from pipeline_engine.guardrails.rules.steps import State, Step


def onboarded(rule_id: str, model_id: str) -> dict[str, str]:
    return {"rule_id": rule_id, "model_uri": f"org/{rule_id}", "model_id": model_id}


def test_a_rule_whose_model_was_onboarded_again_is_told_once() -> None:
    at, failed = datetime.now(UTC), {"code": "models_failed", "message": "1/2 models failed"}
    lines = [onboarded("r-1", "m-1"), onboarded("r-2", "m-2")]
    state = State(phase=Phase.ONBOARDING, current_step=Step.ONBOARDING)
    first = End(status=RunStatus.FAILED, at=at, error=failed, onboarded=lines[:1])

    state = ended(state, Step.ONBOARDING, first)
    repeated = State(phase=Phase.ONBOARDING, current_step=5, derived=state.derived)
    again = End(status=RunStatus.COMPLETED, at=at, onboarded=[onboarded("r-1", "m-9"), lines[1]])
    found = ended(repeated, Step.ONBOARDING, again).derived["onboarded_models"]

    assert {one["rule_id"]: one["model_id"] for one in found} == {"r-1": "m-9", "r-2": "m-2"}
    assert len(found) == 2
