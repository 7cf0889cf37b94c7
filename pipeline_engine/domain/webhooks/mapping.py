"""What becomes of a request: the params that it gives, and the key that tells it from others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from pipeline_engine.domain.expressions import (
    CompiledValue,
    Fuel,
    Template,
    compile_value,
    parse_template,
)
from pipeline_engine.domain.issues import join
from pipeline_engine.domain.webhooks.config import WebhookConfig, param_of, snake

#: Work units for a key, which is evaluated while its sender waits: some hundredths of a second.
KEY_FUEL = 20_000
LONGEST_KEY = 255
#: Headers by which senders tell a delivery from the next one, and a repeated one from a new one.
ID_HEADERS = ("webhook-id", "x-github-delivery", "idempotency-key")


@dataclass(frozen=True, slots=True)
class Letter:
    """What was sent to a webhook, read."""

    body: Any
    headers: Mapping[str, str]  #: by names in small letters, without those that hold secrets
    query: Mapping[str, Any]

    @property
    def scope(self) -> dict[str, Any]:
        """What expressions may speak of."""
        headers = {snake(name): value for name, value in self.headers.items()}
        return {"body": self.body, "headers": headers, "query": dict(self.query)}


def key_of(config: WebhookConfig, letter: Letter) -> str | None:
    """What makes a delivery the same as another of its webhook; null: nothing does.

    A key that comes out empty is none; then the sender's own id counts. Raises ``ExpressionError``.
    """
    found = "" if config.dedupe_key is None else _evaluated(config.dedupe_key, letter)
    if not found:
        found = next((letter.headers[one] for one in ID_HEADERS if letter.headers.get(one)), "")
    if not found:
        return None
    return found if len(found) <= LONGEST_KEY else f"sha256:{_digest(found.encode())}"


def _evaluated(template: str, letter: Letter) -> str:
    value = _parsed(template).render(letter.scope, Fuel(KEY_FUEL))
    if value is None or isinstance(value, str):
        text = value or ""
    else:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return text.replace("\0", "").strip()


@lru_cache(maxsize=1024)
def _parsed(template: str) -> Template:
    return parse_template(template)


def digest_of(raw: bytes) -> str:
    """What tells a body from another."""
    return _digest(raw)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def params_of(
    config: WebhookConfig, letter: Letter, own: Mapping[str, Any], fuel: Fuel
) -> dict[str, Any]:
    """The params that a request gives, beside the webhook's *own*, and before them.

    Without a map those are the ``params`` of its body, as with the reference service; with one, the
    map says all that is taken. Headers go before both. Raises ``ExpressionError``.
    """
    given = own_params(letter.body) if config.map is None else mapped(config, letter, own, fuel)
    wanted = {name.lower(): param_of(name) for name in config.headers_to_include}
    headers = {param: letter.headers[h] for h, param in wanted.items() if h in letter.headers}
    return {**given, **headers}


def own_params(body: Any) -> Mapping[str, Any]:
    """The ``params`` of a body, as the reference service takes them."""
    params = body.get("params") if isinstance(body, Mapping) else None
    return params if isinstance(params, Mapping) else {}


def mapped(
    config: WebhookConfig, letter: Letter, own: Mapping[str, Any], fuel: Fuel
) -> dict[str, Any]:
    """What the map makes of a request.

    A param that comes out empty because the request lacks what it speaks of is not given at all, so
    that the webhook's own value or the default of the pipeline counts.
    """
    compiled: CompiledValue = compile_value(dict(config.map or {}))
    scope = letter.scope | {"params": dict(own)}
    found: dict[str, Any] = compiled.render(scope, fuel)
    return {
        name: value
        for name, value in found.items()
        if value != "" or not compiled.undefined_in(scope, join("", name))
    }
