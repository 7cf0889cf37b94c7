from __future__ import annotations

import pytest
from pipeline_engine_actions.builtin.filter import Filter
from support.contexts import a_context

from pipeline_engine.sdk import InvalidActionParams

CLUSTERS = [{"id": "a", "gpus": 8}, {"id": "b", "gpus": 2}, {"id": "c", "gpus": 16}]


def test_the_items_that_meet_the_condition_are_kept_in_their_order():
    params = {"items": CLUSTERS, "condition": "{{ item.gpus >= params.least }}"}

    result = Filter().execute(a_context(params, scope={"params": {"least": 8}}))

    assert [item["id"] for item in result.outputs["result"]] == ["a", "c"]
    assert (result.outputs["count"], result.outputs["total"]) == (2, 3)


def test_a_condition_may_ask_for_the_position():
    params = {"items": ["x", "y", "z"], "condition": "item_index != 1"}

    assert Filter().execute(a_context(params)).outputs["result"] == ["x", "z"]


def test_what_is_no_list_is_refused():
    with pytest.raises(InvalidActionParams, match="items must be a list, got str"):
        Filter().execute(a_context({"items": "abc", "condition": "true"}))
