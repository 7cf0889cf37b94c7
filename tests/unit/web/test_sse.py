"""Server-sent events, written and read: no payload becomes a field, and none is damaged."""

from __future__ import annotations

from importlib import import_module

import pytest

from pipeline_engine.client.sse import Message, Reader

sse = import_module("pipeline_engine_web.sse")

FORGED = "line one\revent: steal\nid: 9\r\n\r\ndata: x"


def read(*chunks: bytes) -> list[Message]:
    reader = Reader()
    return [message for chunk in chunks for message in reader.feed(chunk)]


def data_lines(written: bytes) -> list[str]:
    lines = written.decode().split("\n")
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def test_whatever_ends_a_line_in_a_payload_ends_no_field() -> None:
    written = sse.event("told", FORGED, at="7")

    assert data_lines(written) == ["line one", "event: steal", "id: 9", "", "data: x"]
    assert read(written) == [
        Message("told", "line one\nevent: steal\nid: 9\n\ndata: x", last_id="7")
    ]


@pytest.mark.parametrize(
    ("data", "lines"),
    [("a\u2028b\x85c\x0bd\x0ce", 1), ("", 1), ("ends\n", 2), ('{"a":"\\n"}', 1), (" spaced", 1)],
)
def test_what_ends_no_line_of_a_stream_is_left_as_it_is(data: str, lines: int) -> None:
    written = sse.event("told", data)

    assert len(data_lines(written)) == lines
    assert [message.data for message in read(written)] == [data]


@pytest.mark.parametrize(
    ("name", "at"), [("a\nb", "1"), ("a\rb", "1"), ("a", "1\n2"), ("a", "1\0"), ("a", "")]
)
def test_a_name_or_id_that_would_be_more_than_one_is_refused(name: str, at: str) -> None:
    with pytest.raises(ValueError, match="no name and id"):
        sse.event(name, "{}", at=at)


def test_what_is_no_event_is_no_place() -> None:
    reader = Reader()
    told = reader.feed(
        sse.event("a", "1", at="6") + sse.HEARTBEAT + sse.comment("x\nid: 9") + sse.event("gap", "")
    )

    assert [message.name for message in told] == ["a", "gap"]
    assert reader.last_id == "6"


def test_a_place_is_known_without_an_event() -> None:
    reader = Reader()

    assert list(reader.feed(sse.place("12-0"))) == []
    assert reader.last_id == "12-0"


def test_clients_are_told_different_times_to_come_back() -> None:
    times = set()
    for _ in range(200):
        reader = Reader()
        list(reader.feed(sse.retry()))
        times.add(reader.retry_seconds)

    assert all(2 <= seconds <= 10 for seconds in times)
    assert max(times) - min(times) > 6


def test_a_stream_is_read_alike_however_it_is_cut() -> None:
    text = (
        b"\xef\xbb\xbfid: 1\r\ndata: \xc3\xa4\r\n\r\nevent: b\rdata: 2\r\r: x\n\n"
        b"data\nid\ndata:3\n\nretry: soon\nretry: 1500\nfoo: bar\ndata: half"
    )
    whole = read(text)

    assert whole == [
        Message("message", "ä", "1"),
        Message("b", "2", "1"),
        Message("message", "\n3", ""),
    ]
    for size in (1, 2, 3, 7):
        assert read(*(text[i : i + size] for i in range(0, len(text), size))) == whole


def test_what_was_half_read_is_forgotten_with_its_connection() -> None:
    reader = Reader()
    list(reader.feed(b"id: 4\n\ndata: ha"))
    reader.start_again()

    (message,) = reader.feed(b"data: whole\n\n")

    assert (message.data, message.last_id) == ("whole", "4")
