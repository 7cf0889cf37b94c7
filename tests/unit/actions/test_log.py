from __future__ import annotations

import pytest
from pipeline_engine_actions.builtin.log import Log
from support.contexts import a_context


def test_the_message_and_the_level_are_echoed():
    result = Log().execute(a_context({"message": "hello", "level": "warning"}))

    assert result.outputs == {"logged": True, "message": "hello", "level": "warning"}


def test_a_missing_message_is_said_to_be_missing():
    result = Log().execute(a_context())

    assert result.outputs["message"] == "No message provided"


@pytest.mark.parametrize("level", ["loud", 3, None])
def test_an_unknown_level_still_logs_because_a_log_line_should_never_fail_a_pipeline(level):
    result = Log().execute(a_context({"message": "m", "level": level}))

    assert (result.success, result.outputs["level"]) == (True, level)
