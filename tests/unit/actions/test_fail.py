from __future__ import annotations

from pipeline_engine_actions.builtin.fail import Fail
from support.contexts import a_context


def test_the_message_and_the_code_are_the_error_and_the_outputs():
    result = Fail().execute(a_context({"message": "no", "error_code": "NOPE"}))

    assert (result.success, result.error, result.error_code) == (False, "no", "NOPE")
    assert result.outputs == {"error_code": "NOPE", "message": "no"}


def test_without_params_it_fails_with_the_code_that_clients_know():
    result = Fail().execute(a_context())

    assert (result.error, result.error_code) == ("Intentional failure", "INTENTIONAL_FAILURE")


def test_a_code_that_a_template_left_null_is_the_usual_one_and_not_the_word_none():
    result = Fail().execute(a_context({"error_code": None}))

    assert result.error_code == "INTENTIONAL_FAILURE"
