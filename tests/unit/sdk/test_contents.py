"""What bytes stand for: no digit, no character and no byte of an answer is lost."""

from __future__ import annotations

import codecs
from base64 import b64encode

import pytest

from pipeline_engine.sdk.contents import charset_in, content_of, exact_json, text_of

ROOM = 10_000


def form_of(body: bytes, content_type: str = "application/json") -> tuple[str, object]:
    content = content_of(body, content_type, is_whole=True, room=ROOM)
    return content.form, content.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9007199254740993", 2**53 + 1),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", "9223372036854775808"),
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", "-9223372036854775809"),
        ("18446744073709551616", "18446744073709551616"),
        ("1" * 5000, "1" * 5000),
        ("1e400", "1e400"),
        ("-1.5E+999", "-1.5E+999"),
        ("1e2", 100.0),
        ("0.1", 0.1),
    ],
)
def test_a_number_is_what_it_says_or_the_text_of_its_digits(text, value):
    assert exact_json(f'{{"n": [{text}]}}') == {"n": [value]}
    assert type(exact_json(text)) is type(value)


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "[" * 100_000, "NaN", "[Infinity]", "", "{"])
def test_what_has_no_one_value_is_no_json(text):
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kind
        exact_json(text)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("h\u00e9".encode("latin-1"), "text/plain; charset=iso-8859-1", "h\u00e9"),
        ("h\u00e9".encode("latin-1"), 'text/plain; Charset="ISO-8859-1"', "h\u00e9"),
        ("h\u00e9".encode("latin-1"), "text/plain", "h\u00e9"),
        ("h\u00e9".encode("latin-1"), "application/problem+json", "h\u00e9"),
        ("h\u00e9".encode(), "text/plain", "h\u00e9"),
        ("h\u00e9".encode(), "text/plain; charset=nonsense", "h\u00e9"),
        ("h\u00e9".encode(), "text/plain; charset=ascii", "h\u00e9"),
        ("\u20ac5".encode("cp1252"), "text/plain; charset=windows-1252", "\u20ac5"),
        ("\u65e5\u672c".encode("shift_jis"), "text/plain; charset=Shift_JIS", "\u65e5\u672c"),
        (codecs.BOM_UTF8 + b"{}", "application/json", "{}"),
        ("{}".encode("utf-16"), "application/json", "{}"),
        ("{}".encode("utf-16-be"), "application/json", "{}"),
        ("{}".encode("utf-32-le"), "application/json", "{}"),
        (codecs.BOM_UTF16_BE + "h\u00e9".encode("utf-16-be"), "text/plain", "h\u00e9"),
        ("h\u00e9".encode("utf-16"), "text/plain; charset=utf-8", "h\u00e9"),
        ("h\u00e9".encode("utf-16-le"), "text/plain; charset=utf-16le", "h\u00e9"),
        (b'<meta charset="koi8-r">\xc4', "text/html", '<meta charset="koi8-r">\u0434'),
        (b"<?xml version='1.0' encoding='koi8-r'?>\xc4", "text/xml",
         "<?xml version='1.0' encoding='koi8-r'?>\u0434"),
        (b"plain", "", "plain"),
    ],
)  # fmt: skip
def test_text_is_read_in_its_charset(body, content_type, text):
    assert text_of(body, content_type) == text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        (b"\xff\xfe\xfd", ""),
        (b"a\x00b", "text/plain"),
        (b"h\xe9llo", "text/plain; charset=utf-8"),
        (b"h\xe9", "application/octet-stream"),
    ],
)
def test_what_is_no_text_is_kept_as_bytes(body, content_type):
    assert form_of(body, content_type) == ("base64", b64encode(body).decode())


@pytest.mark.parametrize("name", ["punycode", "idna", "unicode_escape", "utf-7", "base64", "x.y"])
def test_codecs_that_are_no_charsets_are_not_used(name):
    assert charset_in(f"text/plain; charset={name}") is None


def test_json_is_found_whatever_its_charset_and_type():
    assert form_of('{"a": "h\u00e9"}'.encode("utf-16"), "text/plain") == ("json", {"a": "h\u00e9"})
    assert form_of(b'{"a": "h\xe9"}') == ("json", {"a": "h\u00e9"})


def test_a_text_is_not_cut_within_a_character_when_its_body_was():
    content = content_of("h\u00e9".encode()[:-1], "text/plain", is_whole=False, room=ROOM)

    assert (content.value, content.form, content.is_cut) == ("h", "text", True)


@pytest.mark.parametrize("room", [0, 1, 2, 3, 10, 11, 12, 13])
@pytest.mark.parametrize("body", [b'{"a": "bcdef"}', b"\x01\x02\x03\x04", b"\xff\xfe\xfd" * 5])
def test_what_is_kept_never_takes_more_room_than_there_is(body, room):
    content = content_of(body, "", is_whole=True, room=room)

    assert len(content.value) <= room
