"""What quotes a secret is stored without it, and is whole again for those who may see it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_engine.domain.masking import MASK
from pipeline_engine.domain.sealing import seal, unseal

SECRETS = {"api": "abcdef", "longer": "abcdefgh", "short": "abc", "odd": "(.*)***"}
TEXTS = st.lists(
    st.sampled_from([*SECRETS.values(), MASK, "x", "ab", "cdef", "{{ x }}"]), max_size=4
)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS.map("".join),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "0", "gaps"]), inner)
    ),
    max_leaves=8,
)


@given(value=VALUES)
def test_a_sealed_value_holds_no_secret_and_comes_back_as_it_was(value: Any) -> None:
    sealed = seal(value, SECRETS)

    assert not any(s in repr(sealed) for s in SECRETS.values() if len(s) >= 6)
    assert unseal(sealed, SECRETS) == value


def test_what_quotes_nothing_stays_the_same_object_so_that_it_costs_nothing() -> None:
    value = {"a": ["x"]}

    assert seal(value, {}).value is value


def test_a_secret_that_was_taken_away_stays_masked() -> None:
    sealed = seal({"a": "is abcdef!"}, SECRETS)

    assert unseal(sealed, {}) == {"a": f"is {MASK}!"}


def test_a_secret_in_a_key_is_lost_because_nothing_could_find_its_place() -> None:
    sealed = seal({"abcdef": "abcdef", "b": "abcdef"}, SECRETS)

    assert unseal(sealed, SECRETS) == {MASK: MASK, "b": "abcdef"}


@pytest.mark.parametrize("value", ["abcdefgh", "abcdefghabcdef"])
def test_of_two_secrets_that_begin_alike_the_longer_one_is_meant(value: str) -> None:
    assert seal(value, SECRETS).gaps[0]["text"][1] == "longer"
