from __future__ import annotations

import pytest
from pipeline_engine_actions.builtin.template_render import TemplateRender
from support.contexts import a_context


@pytest.mark.parametrize(
    ("template", "expected"),
    [("a text", "a text"), (7, "7"), ({"a": 1}, '{"a": 1}'), (None, "null")],
)
def test_the_result_is_a_text_whatever_the_template_referred_to(template, expected):
    result = TemplateRender().execute(a_context({"template": template}))

    assert result.outputs == {"result": expected}


def test_the_text_can_be_read_as_json():
    result = TemplateRender().execute(a_context({"template": '{"n": [1, 2]}', "format": "json"}))

    assert result.outputs == {"result": {"n": [1, 2]}}


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_a_text_that_is_no_json_fails_with_the_same_outputs(text):
    result = TemplateRender().execute(a_context({"template": text, "format": "json"}))

    assert (result.success, result.error_code) == (False, "invalid_json")
    assert result.outputs == {"result": None}
