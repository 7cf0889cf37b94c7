from __future__ import annotations

from pipeline_engine_actions.builtin.set_output import SetOutput
from support.contexts import a_context


def test_the_map_becomes_the_outputs():
    result = SetOutput().execute(a_context({"outputs": {"a": 1, "b": [2]}}))

    assert (result.success, result.outputs) == (True, {"a": 1, "b": [2]})


def test_what_is_no_map_fails_with_its_type():
    result = SetOutput().execute(a_context({"outputs": [1]}))

    assert (result.success, result.error) == (False, "outputs must be a dictionary, got list")
