"""Secrets taken out of what is about to be stored or shown, in whatever form they are quoted."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, TypeVar, cast
from urllib.parse import quote, quote_plus

MASK = "***REDACTED***"
#: Characters of a secret that is masked inside of words, at least; a shorter one occurs by
#: chance, and is masked as a word of its own only.
SHORTEST_SECRET = 6
#: Characters of one that is masked as a word, at least; a shorter one only as a whole value.
SHORTEST_WORD = 4
#: Characters of a line of a longer secret that is masked by itself, at least.
SHORTEST_LINE = 16
_IN_URLS = "!#$%&'()*+,/:;=?@[]~"  # what HTTP clients leave as it is in a whole URL
_BITS = 6  # of one character of base64
_KEPT_FORMS = 1024
_MET = 1000  # executions with secrets of their own

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Masker:
    """What is to be hidden; made by ``masker_of``."""

    secrets: frozenset[str] = frozenset()
    forms: tuple[str, ...] = ()  #: longest first: one may be the beginning of another
    _short: re.Pattern[str] | None = None

    def __bool__(self) -> bool:
        return bool(self.secrets)

    def mask(self, value: T) -> T:
        """*value* without any secret, in new lists and objects; itself if there is none to hide.

        Keys are masked too, and a number that reads as a secret. A secret of less than six
        characters is hidden in texts where no letter, digit or underscore is next to it, and one
        of less than four where it is the whole of a text.
        """
        return cast(T, self._masked(value)) if self else value

    def finds(self, value: object) -> bool:
        """Whether a secret is anywhere in *value*."""
        if not self:
            return False
        if isinstance(value, str):
            return self._is_in(value)
        if isinstance(value, Mapping):
            return any(self.finds(part) for pair in value.items() for part in pair)
        if isinstance(value, list | tuple):
            return any(map(self.finds, value))
        return False

    def found_in(self, text: str) -> list[str]:
        """The secrets that *text* quotes in any form."""
        if not self or not self._is_in(text):
            return []
        return [secret for secret in self.secrets if masker_of([secret])._is_in(text)]

    def hiding(self, secrets: Iterable[object]) -> Masker:
        """One that hides these as well."""
        more = {s for s in secrets if isinstance(s, str) and s} - self.secrets
        return masker_of(self.secrets | more) if more else self

    def _is_in(self, text: str) -> bool:
        if any(form in text for form in self.forms) or self._is_tiny(text):
            return True
        return bool(self._short and self._short.search(text))

    def _is_tiny(self, text: str) -> bool:
        return len(text) < SHORTEST_WORD and text in self.secrets

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._without(value)
        if isinstance(value, Mapping):
            return {self._masked(key): self._masked(member) for key, member in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(member) for member in value]
        if isinstance(value, int | float) and self._is_written(value):
            return MASK
        return value

    def _is_written(self, number: float) -> bool:
        written = str(number)
        return len(written) >= SHORTEST_SECRET and written in self.secrets

    def _without(self, text: str) -> str:
        if self._is_tiny(text):
            return MASK
        for form in self.forms:
            text = text.replace(form, MASK)
        return self._short.sub(MASK, text) if self._short else text


NOTHING_HIDDEN = Masker()


def masker_of(secrets: Iterable[object]) -> Masker:
    """What hides these; what is no text, or an empty one, is no secret."""
    found = frozenset(s for s in secrets if isinstance(s, str) and s)
    if not found:
        return NOTHING_HIDDEN
    forms = {form for secret in found for form in _forms_of(secret)}
    short = sorted(
        (s for s in found if SHORTEST_WORD <= len(s) < SHORTEST_SECRET), key=len, reverse=True
    )
    alone = "|".join(map(re.escape, short))
    return Masker(
        found,
        tuple(sorted(forms, key=len, reverse=True)),
        re.compile(rf"(?<!\w)(?:{alone})(?!\w)", re.IGNORECASE) if short else None,
    )


# ── What this process has met ────────────────────────────────────────────────────────────

_met: OrderedDict[frozenset[str], Masker] = OrderedDict()
_lock = Lock()
_of_attempt: ContextVar[Callable[[], Masker]] = ContextVar("of_attempt")


class out_of_logs:  # noqa: N801 - used as a function
    """Keep what *masker* gives out of the lines that are logged inside of this block.

    It is asked when a line is written: by then expressions may have made more of a secret.
    """

    __slots__ = ("_masker", "_token")

    def __init__(self, masker: Callable[[], Masker]) -> None:
        self._masker = masker

    def __enter__(self) -> None:
        self._token = _of_attempt.set(self._masker)

    def __exit__(self, *_: object) -> None:
        _of_attempt.reset(self._token)


def remember(masker: Masker) -> Masker:
    """Keep these secrets out of the logs of this process from now on; the last thousand are."""
    with _lock:
        _met[masker.secrets] = masker
        _met.move_to_end(masker.secrets)
        if len(_met) > _MET:
            _met.popitem(last=False)
    return masker


def without_met(value: T) -> T:
    """*value* without any secret that this process has met, or that the attempt has made."""
    of_attempt = _of_attempt.get(None)
    if of_attempt is not None:
        value = of_attempt().mask(value)
    with _lock:
        known = list(_met.values())
    for masker in known:
        value = masker.mask(value)
    return value


# ── Forms ────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=_KEPT_FORMS)
def _forms_of(secret: str) -> frozenset[str]:
    """How a secret may be written, those forms left out that occur by chance."""
    return frozenset(form for form in _written(secret) if len(form) >= SHORTEST_SECRET)


def _written(secret: str) -> Iterator[str]:
    bare = secret.strip()
    for text in {secret, bare} if len(bare) >= SHORTEST_SECRET else {secret}:
        yield from _quoted(text)
    for line in secret.splitlines():
        if len(line) >= SHORTEST_LINE:  # of a key in a file: tools show line after line
            yield line


def _quoted(secret: str) -> Iterator[str]:
    yield secret
    yield secret.lower()  # a host in a URL
    yield _misread(secret)
    in_python = repr(secret)[1:-1]
    yield in_python
    yield from _in_json(in_python)
    for escaped in _in_json(secret):
        yield escaped
        yield from _in_json(escaped)  # a body of JSON inside a line of JSON
    yield html.escape(secret, quote=False)
    in_html = html.escape(secret)
    yield in_html
    yield in_html.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
    raw = secret.encode("utf-8", "surrogatepass")
    for encoded in (quote(raw), quote(raw, safe=""), quote(raw, safe=_IN_URLS), quote_plus(raw)):
        yield encoded
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)
    if len(secret) >= SHORTEST_SECRET:
        yield binascii.hexlify(raw).decode()
        yield binascii.hexlify(raw).decode().upper()
        yield from _in_base64(raw)


def _misread(secret: str) -> str:
    """As headers and answers show it whose letters are taken for those of another encoding."""
    return secret.encode("utf-8", "surrogatepass").decode("latin-1")


def _in_json(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield written
        yield written.replace("/", "\\/")


def _in_base64(raw: bytes) -> Iterator[str]:
    """The characters that say nothing but the secret, wherever it begins among other bytes."""
    for before in range(3):
        start = -(-before * 8 // _BITS)
        end = (before + len(raw)) * 8 // _BITS
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            yield alphabet(bytes(before) + raw).decode()[start:end]
