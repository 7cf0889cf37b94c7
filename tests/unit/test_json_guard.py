"""The JSON guard: what comes in can be stored, read back and written again by everybody."""

from __future__ import annotations

import json
import uuid
from collections import OrderedDict
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.json_guard import JsonRejected


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Old(str, Enum):  # noqa: UP042 - its str() is its name, unlike a StrEnum's
    NAME = "value"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"{}", {}),
        (b' [1, 2.5, true, null, "\\u00e4\\ud83d\\ude00"] ', [1, 2.5, True, None, "ä😀"]),
        (b'"text"', "text"),
        ('{"ä": "😀"}'.encode(), {"ä": "😀"}),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"[" * 64 + b"]" * 64, None),
        (b'{"' + b"k" * 256 + b'": 1}', {"k" * 256: 1}),
    ],
)
def test_plain_json_comes_in(raw, value):
    accepted = json_guard.loads(raw)

    assert accepted == (json.loads(raw) if value is None else value)


@pytest.mark.parametrize(
    ("raw", "reason", "pointer"),
    [
        (b"", "not_json", ""),
        (b"{", "not_json", ""),
        (b"{'a': 1}", "not_json", ""),
        (b"[1] 2", "not_json", ""),
        (b'"\xff"', "not_json", ""),
        ('\ufeff"bom"'.encode(), "not_json", ""),
        ('"text"'.encode("utf-16"), "not_json", ""),
        (b'"raw\x01control"', "not_json", ""),
        (b'{"a": {"b": 1, "b": 2}}', "duplicate_key", "/a"),
        (b'[{"\\u0061": 1, "a": 2}]', "duplicate_key", "/0"),
        (b"[NaN]", "not_a_number", "/0"),
        (b'{"x": -Infinity}', "not_a_number", "/x"),
        (b"1e999", "not_a_number", ""),
        (b"[9223372036854775808]", "integer_out_of_range", "/0"),
        (b"-9223372036854775809", "integer_out_of_range", ""),
        (b'{"n": ' + b"9" * 5000 + b"}", "integer_out_of_range", "/n"),
        (b'{"a/b": ["\\u0000"]}', "nul_character", "/a~1b/0"),
        (b'{"\\u0000": 1}', "nul_character", ""),
        (b'["\\ud800"]', "lone_surrogate", "/0"),
        (b'{"in": {"\\udfff": 1}}', "lone_surrogate", "/in"),
        (b"[" * 65 + b"]" * 65, "too_deep", "/0" * 64),
        (b"[" * 200_000, "too_deep", ""),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too_deep", ""),
        (b"[" + b"0," * 50_000 + b"0]", "too_many_nodes", "/49999"),
        (b'{"' + b"k" * 257 + b'": 1}', "key_too_long", ""),
        (b'"' + b"x" * 1024 * 1024 + b'"', "too_large", ""),
    ],
)
def test_what_would_be_a_poison_row_stays_outside_and_its_place_is_named(raw, reason, pointer):
    with pytest.raises(JsonRejected) as caught:
        json_guard.loads(raw)

    assert (caught.value.code, caught.value.reason) == ("json_rejected", reason)
    assert caught.value.pointer == pointer


def test_every_limit_can_be_set_per_door():
    for limit, raw in (
        ({"max_bytes": 3}, b"1234"),
        ({"max_depth": 1}, b"[[]]"),
        ({"max_nodes": 2}, b"[1, 2]"),
        ({"max_key_characters": 1}, b'{"ab": 1}'),
    ):
        assert json_guard.loads(raw) is not None
        with pytest.raises(JsonRejected):
            json_guard.loads(raw, **limit)


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ((1, [2, (3,)]), [1, [2, [3]]]),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (Decimal("1.5"), 1.5),
        (Decimal("7.00"), 7),
        (Decimal("1E+30"), 1e30),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Old.NAME, "value"),
        (OrderedDict(a=Colour.RED), {"a": "red"}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({1: "a", Colour.RED: "b", uuid.UUID(int=2): "c"}, None),
        (True, True),
    ],
)
def test_values_from_python_become_plain_json(value, clean):
    accepted = json_guard.check(value)

    if clean is None:
        clean = {"1": "a", "red": "b", "00000000-0000-0000-0000-000000000002": "c"}
    assert accepted == clean
    assert type(accepted) is type(clean)
    assert json.loads(json.dumps(accepted)) == clean


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({1, 2}, "unsupported_type"),
        (b"bytes", "unsupported_type"),
        (object(), "unsupported_type"),
        ({(1, 2): 3}, "unsupported_type"),
        ({None: 3}, "unsupported_type"),
        ({True: 3}, "unsupported_type"),
        ({10**5000: 3}, "integer_out_of_range"),
        ({1: "a", "1": "b"}, "duplicate_key"),
        (float("nan"), "not_a_number"),
        (Decimal("sNaN"), "not_a_number"),
        (Decimal("Infinity"), "not_a_number"),
        (Decimal("1E+999999"), "not_a_number"),
        (2**63, "integer_out_of_range"),
        ("\ud800", "lone_surrogate"),
        ({"a": "x\0y"}, "nul_character"),
        (["ä" * 600_000], "too_large"),
        (["x" * 1000] * 2000, "too_large"),
    ],
)
def test_values_from_python_that_json_cannot_hold_are_refused(value, reason):
    with pytest.raises(JsonRejected) as caught:
        json_guard.check(value)

    assert caught.value.reason == reason


def test_a_value_that_holds_itself_or_multiplies_is_refused_soon():
    ring: list[Any] = []
    ring.append(ring)
    laughs: list[Any] = ["ha"]
    for _ in range(40):
        laughs = [laughs] * 10

    reasons = []
    for value in (ring, laughs):
        with pytest.raises(JsonRejected) as caught:
            json_guard.check(value)
        reasons.append(caught.value.reason)

    assert reasons == ["too_deep", "too_many_nodes"]


def test_a_checked_value_is_a_copy_because_an_action_may_keep_its_own():
    outputs = {"list": [1]}

    checked = json_guard.check(outputs)
    outputs["list"].append(2)

    assert checked == {"list": [1]}


def test_dumps_is_compact_text():
    assert json_guard.dumps({"a": [1, None, "ä"]}) == '{"a":[1,null,"ä"]}'


@pytest.mark.parametrize("value", [object(), 2**70, "\ud800", {1: 2}])
def test_dumps_refuses_what_was_not_checked(value):
    with pytest.raises(JsonRejected):
        json_guard.dumps(value)


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@settings(deadline=None, max_examples=150)
@given(value=ANY_JSON)
def test_whatever_is_accepted_survives_every_reader_and_writer(value):
    try:
        accepted = json_guard.check(value)
    except JsonRejected:
        return

    assert accepted == value
    assert json.loads(json.dumps(accepted)) == accepted
    assert orjson.loads(json_guard.dumps(accepted)) == accepted
    assert json_guard.loads(json_guard.dumps(accepted).encode()) == accepted


TEXTS = st.text() | ANY_JSON.map(json.dumps)


@settings(deadline=None, max_examples=150)
@given(raw=st.binary() | TEXTS.map(str.encode))
def test_any_bytes_are_accepted_or_rejected(raw):
    try:
        accepted = json_guard.loads(raw)
    except JsonRejected:
        return

    assert json_guard.check(accepted) == accepted
