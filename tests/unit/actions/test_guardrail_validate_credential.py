from __future__ import annotations

import pytest
from pipeline_engine_actions.guardrail.validate_credential import META, ValidateCredential
from support.contexts import a_context

KEYS = {output.name for output in META.outputs}


def validated(door, credential_id="c-1", **facts):
    return ValidateCredential().execute(
        a_context({"credential_id": credential_id}, engine=door, **facts)
    )


def test_a_credential_that_exists_is_valid_and_has_a_type(service, door):
    service.answer("GET /credentials/c-1", {"data": {"type": "hugging_face"}})

    result = validated(door, user_id="u-1")

    assert result.outputs == {
        "valid": True,
        "credential_id": "c-1",
        "credential_type": "hugging_face",
    }
    assert service.received[0].query == {"user_id": ["u-1"]}


@pytest.mark.parametrize("status", [404, 405])
def test_the_details_are_asked_for_where_budapp_serves_no_single_credential(service, door, status):
    service.answer("GET /credentials/c-1", {"detail": "no"}, status=status)
    service.answer("GET /proprietary/credentials/c-1/details", {"credential": {"name": "x"}})

    result = validated(door)

    assert (result.success, result.outputs["credential_type"]) == (True, "unknown")


def test_a_credential_that_nobody_knows_is_invalid_for_good(service, door):
    result = validated(door)

    assert (result.success, result.retryable) == (False, False)
    assert result.error.startswith("Failed to validate credential: ")
    assert result.outputs == {"valid": False, "credential_id": "c-1", "credential_type": None}


def test_a_peer_that_is_down_may_be_asked_again(service, door):
    service.answer("GET /credentials/c-1", {"message": "starting"}, status=503)

    result = validated(door)

    assert (result.success, result.retryable) == (False, True)
    assert result.error == "Failed to validate credential: starting"


def test_a_missing_credential_is_said_to_be_missing(door):
    result = validated(door, None)

    assert (result.error, set(result.outputs)) == ("credential_id is required", KEYS)


def test_an_id_cannot_name_another_route(service, door):
    result = validated(door, "../internal/secrets")

    assert (result.success, service.received) == (False, [])
