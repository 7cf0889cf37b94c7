"""What the checks have found as one document, without a secret in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from urllib.parse import urlsplit

from pipeline_engine.config import Settings
from pipeline_engine.domain.masking import masker_of
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.services.doctor.checks import Check


@dataclass(frozen=True, slots=True)
class Report:
    """All that was looked at."""

    is_well: bool  #: nothing is to be done
    checks: Sequence[Check]


def report(settings: Settings, checks: Sequence[Check]) -> Report:
    """*checks* as they may be shown: what servers answer may quote what they were asked with."""
    redactor = Redactor(masker=masker_of(secrets_of(settings)))
    shown = [
        replace(
            check,
            says=redactor.text(check.says),
            what_to_do=None if check.what_to_do is None else redactor.text(check.what_to_do),
        )
        for check in checks
    ]
    return Report(all(check.is_well for check in checks), shown)


def secrets_of(settings: Settings) -> Iterator[str]:
    """Every text of a setting that is not shown, and every password in an address."""
    yield from settings.user_tokens  # by token: whose it is
    for field in fields(settings):
        if field.name == "user_tokens":
            continue
        for text in _texts(getattr(settings, field.name)):
            if not field.repr:
                yield text
            if password := _password(text):
                yield password


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list | tuple | frozenset):
        for member in value:
            yield from _texts(member)


def _password(text: str) -> str | None:
    try:
        return urlsplit(text).password
    except ValueError:  # it is no address
        return None
