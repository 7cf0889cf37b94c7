"""The ``config`` of a webhook: whom it lets in, and what it makes of what they send."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.domain.expressions import CompiledValue, compile_value
from pipeline_engine.domain.issues import Issue, join
from pipeline_engine.domain.webhooks.addresses import network
from pipeline_engine.domain.webhooks.proofs import Form

#: Headers that hold a secret, by their last words: they are neither kept nor passed on. Every
#: sender has a name of its own for one: ``X-Gitlab-Token``, ``X-Vault-Token``, ``X-API-Key``.
_SECRET_HEADER = re.compile(
    r"(.*-)?(api-?key|auth|authorization|cookie|credentials?|passw(or)?d|secret|token)"
)
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]{1,100}")
#: Names that the expressions of a map may speak of, and those of a key.
MAP_NAMES = ("body", "headers", "query", "params")
KEY_NAMES = ("body", "headers", "query")
MOST_ENTRIES = 100  #: of each list and of the map


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookConfig:
    """What the owner of a webhook may choose."""

    require_secret: bool = True
    accepts: tuple[Form, ...] = tuple(Form)  #: proofs of the secret that count
    allowed_ips: tuple[str, ...] | None = None  #: addresses and networks; null is everybody
    headers_to_include: tuple[str, ...] = ()
    map: Mapping[str, Any] | None = None  #: params by name, with expressions in their texts
    dedupe_key: str | None = None  #: a template; what it yields names a delivery
    #: seconds within which the same body counts once, whatever its sender calls it
    repeat_seconds: int | None = None
    max_per_minute: int | None = None  #: null: as the installation says

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> WebhookConfig:
        """That of a row, or of a request that was read by its schema."""
        known = {name: document[name] for name in cls.__dataclass_fields__ if name in document}
        allowed = known.get("allowed_ips")
        return cls(
            **known
            | {
                "accepts": tuple(map(Form, known.get("accepts") or Form)),
                "allowed_ips": tuple(allowed) if allowed else None,
                "headers_to_include": tuple(known.get("headers_to_include") or ()),
            }
        )

    def document(self) -> dict[str, Any]:
        """As a row keeps it."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: list(v) if isinstance(v, tuple) else v for name, v in found.items()}

    @property
    def names_given(self) -> frozenset[str]:
        """The params that a request is given a value for by this."""
        headers = (param_of(name) for name in self.headers_to_include)
        return frozenset((*headers, *(self.map or ())))


def is_secret_header(name: str) -> bool:
    """Whether a header holds a secret."""
    return bool(_SECRET_HEADER.fullmatch(name.lower()))


def param_of(header: str) -> str:
    """The param that a header becomes: ``X-GitHub-Event`` is ``header_x_github_event``."""
    return f"header_{snake(header)}"


def snake(header: str) -> str:
    """The name of a header in an expression."""
    return header.lower().replace("-", "_")


def normal(config: WebhookConfig) -> WebhookConfig:
    """*config*, which has no problems, with its networks as they are kept."""
    allowed = config.allowed_ips
    if allowed is None:
        return config
    document = config.document() | {"allowed_ips": list(dict.fromkeys(map(network, allowed)))}
    return WebhookConfig.of(document)


def problems(config: WebhookConfig, pointer: str = "/config") -> Iterator[Issue]:
    """What is wrong with *config*, each with its place."""
    for index, text in enumerate(config.allowed_ips or ()):
        try:
            network(text)
        except ValueError:
            place = join(pointer, "allowed_ips", index)
            hint = "Such as 192.0.2.7, 198.51.100.0/24 or 2001:db8::/32."
            yield Issue(place, "invalid_network", f"{text!r} is no address and no network", hint)
    for index, name in enumerate(config.headers_to_include):
        yield from _problems_of_header(name, join(pointer, "headers_to_include", index))
    if config.map is not None:
        yield from _problems_of(config.map, join(pointer, "map"), MAP_NAMES)
    if config.dedupe_key is not None:
        yield from _problems_of(config.dedupe_key, join(pointer, "dedupe_key"), KEY_NAMES)


def _problems_of_header(name: str, pointer: str) -> Iterator[Issue]:
    if not HEADER.fullmatch(name):
        yield Issue(pointer, "invalid_header", f"{name!r} is no name of a header")
    elif is_secret_header(name):
        hint = "Params are shown to everybody who may see the execution."
        yield Issue(pointer, "secret_header", f"{name} holds a secret", hint)


def _problems_of(value: Any, pointer: str, names: tuple[str, ...]) -> Iterator[Issue]:
    compiled: CompiledValue = compile_value(value, pointer=pointer)
    for place, error in compiled.problems:
        yield Issue(place, error.code, str(error), error.hint)
    for place, reference in compiled.references:
        if reference.root not in names:
            hint = f"An expression can speak of {', '.join(names)}."
            yield Issue(place, "unknown_name", f"There is no {reference.root!r} here", hint)
