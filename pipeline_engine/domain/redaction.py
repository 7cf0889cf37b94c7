"""What must not be shown: secrets by their key, by their declaration and by their look.

Applied where something leaves (API, logs, published events), never to what later steps read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.domain.masking import MASK, NOTHING_HIDDEN, SHORTEST_SECRET, Masker, masker_of
from pipeline_engine.domain.sealing import MARK

SECRET_TYPE = "secret"  # noqa: S105  the type of a parameter, not a secret

SENSITIVE_KEYS = frozenset(
    {
        "password",
        "passwd",
        "pwd",
        "secret",
        "token",
        "api_key",
        "apikey",
        "auth_token",
        "access_token",
        "refresh_token",
        "private_key",
        "secret_key",
        "credential",
        "credentials",
        "bearer",
        "authorization",
        "aws_secret_access_key",
        "aws_session_token",
        "db_password",
        "database_password",
        "connection_string",
    }
)

# Every pattern begins behind a character that it could not have matched itself, or is bounded:
# a text full of almost-secrets costs one pass, not one for each place to start.
_PEM = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_URL = re.compile(r"(?<![\w+.-])([a-zA-Z][\w+.-]{1,20}://[^\s:/@]{0,256}):[^\s/@]{1,256}@")
_NAMED = re.compile(
    r"(?<![\w-])(password|passwd|pwd|secret|token|api[_-]?key|auth[_-]?token|access[_-]?token"
    r"|refresh[_-]?token|secret[_-]?key|aws_secret_access_key|authorization)"
    r"([\"']?\s{0,3}[=:]\s{0,3}[\"']?(?:bearer\s|basic\s)?)(?!\*\*\*)[^\s\"',;&]+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?<![\w-])(bearer\s{1,3})[\w.~+/=-]{8,}", re.IGNORECASE)
_KNOWN = re.compile(
    r"(?<![\w-])(?:"
    r"(?:AKIA|ASIA)[A-Z0-9]{16}"  # AWS
    r"|sk-[\w-]{16,}|[sr]k_(?:live|test)_\w{10,}"  # OpenAI, Stripe
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{20,}"  # forges, model hubs
    r"|eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"  # JWT
    r")"
)
# Keys and tokens of unknown kinds. Hashes (one case only) and paths (slashes) are left alone.
_BASE64 = re.compile(
    r"(?<![\w+/=-])(?=[a-z0-9+]*[A-Z])(?=[A-Z0-9+]*[a-z])(?=[A-Za-z+]*[0-9])"
    r"[A-Za-z0-9+]{40,}={0,2}(?![\w/+=-])"
)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Hides the secrets of one execution; without any it still knows keys and patterns."""

    secret_names: frozenset[str] = frozenset()  #: parameters that are declared secret
    masker: Masker = NOTHING_HIDDEN

    def redact(self, value: Any) -> Any:
        """*value* without its secrets; a new value, the given one is not touched."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self._member(key, member) for key, member in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact(member) for member in value]
        return value

    def params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Params of the execution, those that are declared secret included."""
        return {
            name: _mask(value) if name in self.secret_names else self._member(name, value)
            for name, value in params.items()
        }

    def document(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A definition; the defaults of secret parameters are secrets too."""
        shown: dict[str, Any] = self.redact(document)
        for parameter in _mappings(shown.get("parameters")):
            name = parameter.get("name")
            if name in self.secret_names or is_sensitive(name):
                parameter.update(default=_mask(parameter.get("default")))
        return shown

    def text(self, text: str) -> str:
        """*text* with what is, or looks like, a secret masked."""
        if text.startswith(MARK):
            return MASK
        text = self.masker.mask(text)
        return text if len(text) < SHORTEST_SECRET else _without_patterns(text)

    def _member(self, key: object, value: Any) -> Any:
        return _mask(value) if is_sensitive(key) else self.redact(value)


def redactor_for(params: Mapping[str, Any], parameters: object) -> Redactor:
    """The redactor of an execution with *params*; *parameters* is what its definition declares."""
    declared = frozenset(
        str(parameter.get("name"))
        for parameter in _mappings(parameters)
        if parameter.get("type") == SECRET_TYPE
    )
    hidden = (
        value
        for name, value in params.items()
        if (name in declared or is_sensitive(name)) and not str(value).startswith(MARK)
    )
    return Redactor(declared, masker_of(hidden))


def is_sensitive(key: object) -> bool:
    """Tell whether a value under *key* is a secret whatever it looks like."""
    return isinstance(key, str) and key.lower().replace("-", "_") in SENSITIVE_KEYS


def _mask(value: Any) -> Any:
    # A reference says where a secret comes from, not what it is.
    is_reference = isinstance(value, str) and bool(re.fullmatch(r"\{\{[^{}]*\}\}", value.strip()))
    says_nothing = value is None or value == "" or isinstance(value, bool)
    return value if says_nothing or is_reference else MASK


def _mappings(value: object) -> Iterable[dict[str, Any]]:
    members = value if isinstance(value, list) else []
    return [member for member in members if isinstance(member, dict)]


def _without_patterns(text: str) -> str:
    for pattern, replacement in _REPLACEMENTS:
        text = pattern.sub(replacement, text)
    return text


_REPLACEMENTS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (_PEM, MASK),
    (_URL, rf"\1:{MASK}@"),
    (_NAMED, rf"\1\2{MASK}"),
    (_BEARER, rf"\1{MASK}"),
    (_KNOWN, MASK),
    (_BASE64, MASK),
)
