"""The shape of what a step tells subscriptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline_engine.domain.checks.fields import (
    STRING,
    Field,
    Rule,
    boolean,
    lets_through,
    list_of,
    or_given,
    record,
    text,
)
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.definitions import JSON, NotifyOn
from pipeline_engine.domain.definitions.parse import one_or_more

WORDS = [word.value for word in NotifyOn]
LONGEST_TITLE, LONGEST_MESSAGE = 200, 4000  #: characters, of the templates and of what they give


@lets_through(STRING | {"enum": WORDS})
def word(value: JSON, pointer: str, findings: Findings) -> None:
    """Something that happens to a step, in any case."""
    if not isinstance(value, str):
        findings.field_error(pointer, "wrong_type", "Input should be a valid string")
    elif value.lower() not in WORDS:
        message = f"Value error, '{shown(value)}' does not happen to a step"
        close = findings.did_you_mean(value.lower(), WORDS)
        hint = close or f"One of: {', '.join(WORDS)}."
        findings.field_error(pointer, "unknown_word", message, hint)


WORD_LIST = list_of(word)


def _words(value: JSON, pointer: str, findings: Findings) -> None:
    rule = WORD_LIST if isinstance(value, list) else word
    rule(value, pointer, findings)
    if value == []:
        findings.field_error(pointer, "too_short", "List should have at least 1 item")


@lets_through(STRING | {"minLength": 1, "maxLength": 255})
def name(value: JSON, pointer: str, findings: Findings) -> None:
    """A name as it is: a template could send what it finds to whoever it likes."""
    text(1, 255)(value, pointer, findings)
    if isinstance(value, str) and "{{" in value:
        message = "The name of a subscription is no template"
        findings.field_error(pointer, "no_template", message, "Write the name itself.")


NOTICE = record(
    {
        "on": Field(Rule(_words, {"anyOf": [WORD_LIST.schema, word.schema]}), required=True),
        "subscription": Field(name, required=True),
        "message": Field(text(1, LONGEST_MESSAGE), required=True),
        "title": Field(text(1, LONGEST_TITLE)),
        "per_item": Field(or_given(boolean)),
    },
    title="Notice",
    example='{"on": "failed", "subscription": "on-call", "message": "{{ step.error.message }}"}',
)
NOTICES = list_of(NOTICE)


def _notify(value: JSON, pointer: str, findings: Findings) -> None:
    """One of them, or a list."""
    rule = NOTICES if isinstance(value, list) else NOTICE
    rule(value, pointer, findings)


NOTIFY = Rule(_notify, {"anyOf": [NOTICE.schema, NOTICES.schema]})


def templates_in(given: JSON, pointer: str) -> Iterator[tuple[str, JSON]]:
    """Pointer and text of everything in ``notify`` that is rendered."""
    for number, notice in enumerate(one_or_more(given)):
        place = f"{pointer}/{number}" if isinstance(given, list) else pointer
        if isinstance(notice, Mapping):
            yield from ((f"{place}/{key}", notice.get(key)) for key in ("title", "message"))
