"""Secrets in expressions: values that are passed on whole, and of which nothing else is known.

A secret may become part of a text, or be encoded for a header; what is made of it is a secret
again. It is true if it is not empty. Everything else is refused: a slice, a comparison or a
length would show it to whoever may write an expression, bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from pipeline_engine.domain.expressions.errors import (
    SecretMisused,
    SecretsRefused,
    UnknownSecret,
    UnreadableSecret,
)
from pipeline_engine.domain.masking import MASK, NOTHING_HIDDEN, Masker

F = TypeVar("F", bound=Callable[..., Any])
#: Functions that take a secret as an operand; texts may be joined to one anyway.
FUNCTIONS: set[Callable[..., Any]] = set()
#: Those among them that return something without the secret in it.
TELLING: set[Callable[..., Any]] = set()
_NOT_AS_SUBJECT: set[Callable[..., Any]] = set()


class Ledger:
    """The secrets that one attempt may meet, and what its expressions have made of them."""

    __slots__ = ("_known", "_made", "named", "stands_in", "used")

    def __init__(self, known: Masker = NOTHING_HIDDEN) -> None:
        self._known = known
        self._made: set[str] = set()
        self.used = False  #: an expression was given one
        self.named: set[str] = set()  #: those among ``secrets`` that one was given
        #: a secret that is replaced later, and has to be found in all that is made of it
        self.stands_in: str | None = None

    @property
    def masker(self) -> Masker:
        """What hides all of them."""
        return self._known.hiding(self._made) if self._made else self._known

    def secret(self, text: str) -> Secret:
        """A text that is, or was made of, a secret."""
        self.used = True
        # In most the known secret is found again; an encoding of an encoding hides it.
        if text and not self._known.finds(text):
            self._made.add(text)
        return Secret(text, self)


class Secret:
    """A text that an expression may pass on; it has no other use, and no way to look inside."""

    __slots__ = ("_ledger", "_text")

    def __init__(self, text: str, ledger: Ledger) -> None:
        self._text = text
        self._ledger = ledger

    def __bool__(self) -> bool:
        return self._text != ""

    def __repr__(self) -> str:
        return "Secret()"

    def reveal(self) -> str:
        """The text itself, for the action that is given it."""
        return self._text

    def become(self, text: str) -> Secret:
        """A text that was made of this one."""
        later = self._ledger.stands_in
        if later and later in self._text and later not in text:
            raise SecretMisused("What is known only when an item begins cannot be encoded here.")
        return self._ledger.secret(text)


@dataclass(frozen=True, slots=True)
class KnownSecrets:
    """What ``secrets`` means in the templates of one execution."""

    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    unreadable: frozenset[str] = frozenset()  #: names of those that cannot be opened
    keys: Mapping[str, Any] = field(default_factory=dict)  #: of those in a store: what names them
    due: frozenset[str] = frozenset()  #: names of those whose use is to be noted again
    is_refused: bool = False  #: the execution may be given none
    #: what cannot be given reads as the mask: the step was given it when it began
    is_lenient: bool = False

    def text(self, name: str) -> str:
        """The one of this name.

        Raises ``SecretsRefused``, ``UnreadableSecret`` and ``UnknownSecret``.
        """
        if self.is_lenient and name not in self.texts:
            return MASK
        if self.is_refused:
            raise SecretsRefused(f"secrets.{name[:100]} needs the right secrets:use.")
        if name in self.unreadable:
            raise UnreadableSecret(f"The secret {name[:100]!r} was sealed with an unknown key.")
        if name not in self.texts:
            raise UnknownSecret(f"There is no secret {name[:100]!r} for this definition.")
        return self.texts[name]


NO_SECRETS = KnownSecrets()


class Vault(Mapping[str, Secret]):
    """``secrets`` in a template: each is found by its name, and they cannot be listed.

    Looking up one that there is not raises ``UnknownSecret``: it is never an empty text.
    """

    __slots__ = ("_known", "ledger")

    def __init__(self, known: KnownSecrets, ledger: Ledger) -> None:
        self._known = known
        self.ledger = ledger

    def __getitem__(self, name: str) -> Secret:
        text = self._known.text(name)
        self.ledger.named.add(name)
        return self.ledger.secret(text)

    def __contains__(self, name: object) -> bool:
        return name in self._known.texts

    def __iter__(self) -> Iterator[str]:
        raise SecretMisused("The secrets cannot be listed.")

    def __len__(self) -> int:
        raise SecretMisused("The secrets cannot be counted.")

    def __bool__(self) -> bool:
        return True


def ledger_of(scope: Mapping[str, Any]) -> Ledger | None:
    """Where the secrets of a scope are noted; None if there are none."""
    vault = scope.get("secrets")
    return vault.ledger if isinstance(vault, Vault) else None


def masker_in(scope: Mapping[str, Any]) -> Masker:
    """What hides the secrets of a scope, and what its expressions have made of them."""
    ledger = ledger_of(scope)
    return NOTHING_HIDDEN if ledger is None else ledger.masker


def revealed(value: Any) -> Any:
    """*value* with every secret in it as the text that it is."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return {key: revealed(member) for key, member in value.items()}
    if isinstance(value, list):
        return [revealed(member) for member in value]
    return value


def covered(value: Any, ledger: Ledger | None) -> Any:
    """*value* with every text in it that quotes a secret as a secret; the opposite of the above."""
    if ledger is None or not ledger.masker.finds(value):
        return value
    return _covered(value, ledger)


def _covered(value: Any, ledger: Ledger) -> Any:
    if isinstance(value, str):
        return ledger.secret(value) if ledger.masker.finds(value) else value
    if isinstance(value, Mapping):
        return {key: _covered(member, ledger) for key, member in value.items()}
    if isinstance(value, list):
        return [_covered(member, ledger) for member in value]
    return value


def first_secret(value: Any) -> Secret | None:
    """One of the secrets inside *value*."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Secret):
            return part
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return None


def refuse_secrets(function: Callable[..., Any], *, subject: bool) -> None:
    """Raise ``SecretMisused`` unless a filter or test takes a secret, be it as its subject."""
    if function not in FUNCTIONS or (subject and function in _NOT_AS_SUBJECT):
        raise SecretMisused("No other filter or test can be applied to a secret.")


def tells_nothing(function: F) -> F:
    """Mark a function that says of a secret only whether it is there."""
    FUNCTIONS.add(function)
    TELLING.add(function)
    return function


def passes_on(function: F) -> F:
    """Mark a function that gives a secret back as it is."""
    FUNCTIONS.add(function)
    return function


def passes_arguments_on(function: F) -> F:
    """Mark a function of which the arguments may be secrets, and not the subject."""
    FUNCTIONS.add(function)
    _NOT_AS_SUBJECT.add(function)
    return function


def encodes(function: F) -> F:
    """Let a function of texts make a secret of a secret."""

    @wraps(function)
    def apply(fuel: Any, *operands: Any) -> Any:
        try:
            return function(fuel, *operands)
        except SecretMisused:
            secret = first_secret(list(operands))
            if secret is None:
                raise
            return secret.become(function(fuel, *map(revealed, operands)))

    FUNCTIONS.add(apply)
    return apply  # type: ignore[return-value]
