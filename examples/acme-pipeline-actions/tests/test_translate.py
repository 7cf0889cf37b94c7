from __future__ import annotations

from typing import Any

import pytest
from acme_pipeline_actions.translate import META, Translate

from pipeline_engine.contract_kit import ActionContract, Case
from pipeline_engine.sdk import ActionContext, NullEngine, ServiceResponse, check_params


class Translator(NullEngine):
    """Stands in for the service."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, Any]] = []

    def invoke_service(self, app_id: str, method_path: str, **call: Any) -> ServiceResponse:
        self.asked.append((app_id, method_path, call["data"]))
        return ServiceResponse(self.answer)


def test_a_text_is_translated() -> None:
    translator = Translator({"text": "Bonjour"})
    params = {"text": "Good morning", "to": "fr"}

    result = Translate().execute(
        ActionContext(step_id="s", execution_id="e", params=params, engine=translator)
    )

    assert translator.asked == [("acme-translator", "/translations", params)]
    assert result.outputs == {"text": "Bonjour", "language": "fr"}


def test_an_answer_without_a_translation_is_a_failure_with_the_same_outputs() -> None:
    context = ActionContext(
        step_id="s", execution_id="e", params={"text": "Good morning"}, engine=Translator({})
    )

    result = Translate().execute(context)

    assert (result.success, result.error_code) == (False, "no_translation")
    assert result.outputs == {"text": "", "language": "de"}


@pytest.mark.parametrize("params", [{}, {"text": ""}, {"text": "hello", "to": "xx"}])
def test_senseless_params_are_refused(params: dict[str, Any]) -> None:
    assert check_params(META, params)


class TestContract(ActionContract):
    action = Translate
    peers = {"acme-translator": {"POST /translations": {"text": "Guten Morgen"}}}
    cases = [Case(params={"text": "Good morning"}, succeeds=True)]
