"""Texts put together from known expressions are what the parser makes of the whole text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline_engine.domain.expressions import template
from pipeline_engine.domain.expressions.errors import ExpressionError

EXPRESSIONS = [
    "params.word",
    " params.word ",
    "steps.a.outputs.x + 1",
    "params.list[0] | length",
    "(1 + 2) * params.n",
    "- params.n",
    " -params.n",
    "params.n -",
    "",
    " ",
    "not",
    "a b",
    "'text'",
    "x | upper",
]
literals = st.text(alphabet="ab {}%#-\n\r()'\"", max_size=6)
expressions = st.sampled_from(EXPRESSIONS).map(lambda e: f"{{{{{e}}}}}")
texts = st.lists(literals | expressions, max_size=6).map("".join)


@given(texts)
@example("{{ params.word }} from {{ params.word }}")
@example("  {{ params.word }}\n")
@example("((((" * 20 + "{{ params.word }}")
def test_a_text_is_the_same_however_it_was_parsed(text):
    assert seen(template._put_together, text) in {None, seen(template._parse_whole, text)}


def seen(parse, text):
    try:
        return parse(text)
    except ExpressionError as error:
        return type(error), str(error)


@pytest.mark.parametrize(
    "text", ["{{ params.word }} from w17", "{{ params.n }}", "a {{ x }} b {{ y }}"]
)
def test_simple_texts_are_put_together(text):
    assert template._put_together(text) == template._parse_whole(text)


def test_an_expression_is_parsed_once_for_all_the_texts_that_hold_it():
    template._parse_whole.cache_clear()

    for number in range(50):
        template.parse_template(f"{{{{ params.known }}}} in text {number}")

    assert template._parse_whole.cache_info().misses == 1
