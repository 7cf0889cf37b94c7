"""The kinds of settings: how a text of the environment is read, and what it must not be.

A kind is a field of marshmallow; a check raises its ``ValidationError``.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import orjson
from cronsim import CronSim, CronSimError
from marshmallow import ValidationError
from marshmallow import fields as ma

from pipeline_engine.failpoints import Faults

#: Signatures that can be checked with a public key; a shared one would let its readers sign, too.
OIDC_ALGORITHMS = frozenset(
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
)
#: What quotas bound; ``PIPELINE_MAX_…`` says how much of it everybody may have.
QUOTAS = ("open_executions", "parked_steps", "stored_bytes", "schedules", "stored_actions")
FIVE_FIELDS = re.compile(r"[\d*,/-]+(?: [\d*,/-]+){4}", re.ASCII)
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Words(ma.Field[tuple[str, ...]]):
    """Words separated by commas, such as host names."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[str, ...]:
        return tuple(word.strip() for word in str(value).split(",") if word.strip())


class WordsOrList(Words):
    """The same, or a JSON list of them."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> tuple[str, ...]:
        if not str(value).lstrip().startswith("["):
            return super()._deserialize(value, *args, **kwargs)
        try:
            loaded = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValidationError(f"Not valid JSON: {error}.") from error
        if not _is_word_list(loaded):
            raise ValidationError('Not a JSON list of texts such as ["acme-actions"].')
        return tuple(word.strip() for word in loaded if word.strip())


class JsonMap(ma.Field[Mapping[str, str]]):
    """A JSON object with texts as keys and values."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Mapping[str, str]:
        try:
            loaded = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValidationError(f"Not valid JSON: {error}.") from error
        if not isinstance(loaded, dict) or not all(isinstance(v, str) for v in loaded.values()):
            raise ValidationError('Not a JSON object of texts such as {"budapp": "http://…"}.')
        return MappingProxyType(loaded)


#: What is said of a Celery app; the first is required.
OF_CELERY_APPS = ("broker", "result_backend", "queue", "key_prefix")


class CeleryApps(ma.Field[Mapping[str, Mapping[str, str]]]):
    """A JSON object that says of some Celery apps where their broker and their results are."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Mapping[str, Mapping[str, str]]:
        example = 'such as {"reports": {"broker": "redis://…", "result_backend": "redis://…"}}.'
        try:
            loaded = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValidationError(f"Not valid JSON: {error}.") from error
        if not isinstance(loaded, dict):
            raise ValidationError(f"Not a JSON object, {example}")
        wrong = [name for name, said in loaded.items() if not name or not _is_celery_app(said)]
        if wrong:
            members = ", ".join(OF_CELERY_APPS)
            raise ValidationError(f"{', '.join(wrong)}: not texts among {members}, {example}")
        if rpc := [name for name, said in loaded.items() if _asks_its_sender(said)]:
            raise ValidationError(f"{', '.join(rpc)}: only the sender sees results of rpc://.")
        return MappingProxyType({name: MappingProxyType(said) for name, said in loaded.items()})


def _is_celery_app(said: object) -> bool:
    return (
        isinstance(said, dict)
        and "broker" in said
        and set(said) <= set(OF_CELERY_APPS)
        and all(isinstance(one, str) and one for one in said.values())
    )


def _asks_its_sender(said: Mapping[str, str]) -> bool:
    return said.get("result_backend", "").startswith("rpc")


class WordLists(ma.Field[Mapping[str, tuple[str, ...]]]):
    """A JSON object with texts as keys and lists of texts as values."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Mapping[str, tuple[str, ...]]:
        try:
            loaded = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValidationError(f"Not valid JSON: {error}.") from error
        if not isinstance(loaded, dict) or not all(map(_is_word_list, loaded.values())):
            raise ValidationError('Not a JSON object of lists such as {"ci": ["executions:run"]}.')
        return MappingProxyType({name: tuple(words) for name, words in loaded.items()})


def _is_word_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


class Limits(ma.Field[Mapping[str, int]]):
    """A JSON object of numbers, such as how many steps of an action there may be at once."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Mapping[str, int]:
        example = 'such as {"http_request": 20, "tag:gpu": 2}.'
        try:
            loaded = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValidationError(f"Not valid JSON: {error}.") from error
        if not isinstance(loaded, dict):
            raise ValidationError(f"Not a JSON object, {example}")
        wrong = [name for name, most in loaded.items() if not _is_count(most)]
        if wrong:
            raise ValidationError(f"{', '.join(wrong)}: not a number from 0 to 10,000, {example}")
        return MappingProxyType(loaded)


class Quotas(ma.Field[Mapping[str, Mapping[str, int | None]]]):
    """A JSON object that says of some owners what they may have of what; null is no limit."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Mapping[str, Any]:
        example = 'such as {"group:ops": {"open_executions": 50, "parked_steps": null}}.'
        try:
            loaded = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValidationError(f"Not valid JSON: {error}.") from error
        if not isinstance(loaded, dict) or not all(isinstance(v, dict) for v in loaded.values()):
            raise ValidationError(f"Not a JSON object of objects, {example}")
        for owner, quotas in loaded.items():
            for name, most in quotas.items():
                if name not in QUOTAS:
                    raise ValidationError(f"{owner}: no quota is called {name}, {example}")
                if most is not None and not (type(most) is int and most >= 0):
                    raise ValidationError(f"{owner}: {name} is no number from 0 on, {example}")
        return MappingProxyType(loaded)


ENDED = ("COMPLETED", "FAILED", "INTERRUPTED")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """How long some executions are kept after their end; the first rule that fits one decides."""

    pipeline: str | None = None  #: name or id; null is any
    owner: str | None = None  #: ``""`` is the system; null is any
    status: tuple[str, ...] | None = None
    days: int | None = None  #: null is for ever
    keep_last: int | None = None  #: so many of each pipeline that it fits stay however old they are


class RetentionRules(ma.Field[tuple[RetentionRule, ...]]):
    """A JSON list of rules about how long executions are kept."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[RetentionRule, ...]:
        example = 'such as [{"pipeline": "nightly", "status": ["FAILED"], "days": 90}].'
        try:
            loaded = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValidationError(f"Not valid JSON: {error}.") from error
        if not isinstance(loaded, list) or not all(isinstance(rule, dict) for rule in loaded):
            raise ValidationError(f"Not a JSON list of objects, {example}")
        wrong = [
            f"rule {number}: {problem}."
            for number, rule in enumerate(loaded, start=1)
            for problem in _problems_of_rule(rule)
        ]
        if wrong:
            raise ValidationError(wrong)
        return tuple(_rule(one) for one in loaded)


def _problems_of_rule(rule: Mapping[str, Any]) -> Iterator[str]:
    known = {one.name for one in fields(RetentionRule)}
    yield from (f"nothing is called {name}" for name in sorted(rule.keys() - known))
    for name in ("pipeline", "owner"):
        if not isinstance(rule.get(name, ""), str | None):
            yield f"{name} is no text"
    statuses = rule.get("status") or []
    for status in statuses if isinstance(statuses, list) else [statuses]:
        if str(status).upper() not in ENDED:
            yield f"{status} is none of {', '.join(ENDED)}"
    if "days" not in rule:
        yield "days is missing; null is for ever"
    elif not _is_whole(rule["days"], least=1):
        yield "days is no whole number from 1 on, nor null"
    if not _is_whole(rule.get("keep_last"), least=0):
        yield "keep_last is no whole number from 0 on"


def _is_whole(value: object, *, least: int) -> bool:
    return value is None or (type(value) is int and least <= value <= 100_000)


def _rule(given: Mapping[str, Any]) -> RetentionRule:
    statuses = given.get("status")
    words = statuses if isinstance(statuses, list) else [statuses]
    status = None if statuses is None else tuple(str(word).upper() for word in words)
    return RetentionRule(**{**given, "status": status})


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketplaceSource:
    """Where packages of actions are listed, and whose lists are believed (docs/howto)."""

    name: str
    keys: tuple[bytes, ...]  #: public Ed25519 keys that sign its releases
    index_keys: tuple[bytes, ...] = ()  #: those that sign its index; empty: the same
    url: str | None = None  #: of the index file, or of the folder that it is in
    path: str | None = None  #: the same on this machine


class MarketplaceSources(ma.Field[tuple[MarketplaceSource, ...]]):
    """A JSON list of sources of action packages; the first one goes before the others."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[MarketplaceSource, ...]:
        example = 'such as [{"name": "acme", "url": "https://…", "key": "…"}].'
        try:
            loaded = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValidationError(f"Not valid JSON: {error}.") from error
        if not isinstance(loaded, list) or not all(isinstance(one, dict) for one in loaded):
            raise ValidationError(f"Not a JSON list of objects, {example}")
        wrong = [
            f"source {number}: {problem}."
            for number, one in enumerate(loaded, start=1)
            for problem in _problems_of_source(one)
        ]
        names = [one.get("name") for one in loaded]
        if wrong or len(set(map(str, names))) < len(names):
            raise ValidationError(wrong or "Two sources have the same name.")
        return tuple(_source(one) for one in loaded)


SOURCE_FIELDS = frozenset({"name", "url", "path", "key", "index_key", "allow_http"})
SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)


def _problems_of_source(given: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"nothing is called {name}" for name in sorted(given.keys() - SOURCE_FIELDS))
    if not SOURCE_NAME.fullmatch(str(given.get("name", ""))):
        yield "name is no word of a-z, 0-9, '.', '_' and '-'"
    places = [place for place in ("url", "path") if place in given]
    if len(places) != 1 or not isinstance(given[places[0]], str) or not given[places[0]]:
        yield "it has not one of url and path"
    elif places == ["url"] and not _is_source_url(given["url"], given.get("allow_http") is True):
        yield "url is no https URL; http is for this machine (127.0.0.1), or with allow_http"
    for name in ("key", "index_key"):
        if (name == "key" or name in given) and not _public_keys(given.get(name)):
            yield f"{name} is no Ed25519 public key in base64, nor a list of them"


def _is_source_url(url: str, allow_http: bool) -> bool:
    try:
        parts = urlsplit(url)
        plain = parts.hostname and parts.username is None and not parts.query + parts.fragment
    except ValueError:
        return False
    return bool(plain) and (is_beyond_doubt(url) or (allow_http and parts.scheme == "http"))


def _public_keys(given: Any) -> tuple[bytes, ...]:
    """The keys in a text, or a list of texts; empty if one of them is none."""
    try:
        found = [
            base64.b64decode(one, validate=True)
            for one in (given if isinstance(given, list) else [given])
        ]
    except (TypeError, ValueError, binascii.Error):
        return ()
    return tuple(found) if all(len(key) == 32 for key in found) else ()


def _source(given: Mapping[str, Any]) -> MarketplaceSource:
    return MarketplaceSource(
        name=given["name"],
        keys=_public_keys(given["key"]),
        index_keys=_public_keys(given["index_key"]) if "index_key" in given else (),
        url=given.get("url"),
        path=given.get("path"),
    )


def is_database_url(value: str) -> None:
    """Refuse what is no address of PostgreSQL."""
    if not value.startswith(("postgresql://", "postgres://", "postgresql+psycopg2://")):
        raise ValidationError("Not a PostgreSQL URL such as postgresql://user@host/name.")


def is_redis_url(value: str) -> None:
    """Refuse what is no address of Redis."""
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValidationError("Not a Redis URL such as redis://host:6379/0.")


def is_beyond_doubt(url: str) -> bool:
    """Whether nobody on the way can answer in the place of *url*: https, or this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or any(character.isspace() for character in url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def is_issuer(value: str) -> None:
    """Refuse what no OpenID Connect issuer can be called."""
    is_key_url(value)
    if any(mark in value for mark in "?#"):
        raise ValidationError("The URL of an issuer has no query and no fragment.")


def is_key_url(value: str) -> None:
    """Refuse an address at which somebody else could answer."""
    if not is_beyond_doubt(value):
        raise ValidationError("Not an https URL; http is for this machine only (127.0.0.1).")


def are_asymmetric(value: Sequence[str]) -> None:
    """Refuse signatures that a shared secret makes."""
    unknown = [word for word in value if word not in OIDC_ALGORITHMS]
    if unknown or not value:
        known = ", ".join(sorted(OIDC_ALGORITHMS))
        raise ValidationError(f"Not {', '.join(unknown) or 'nothing'}: any of {known}.")


def is_file(value: str) -> None:
    """Refuse the name of a file that is not there."""
    if not Path(value).is_file():
        raise ValidationError(f"There is no file {value}.")


def is_cron(value: str) -> None:
    """Refuse what cron would not understand, or beat: it knows numbers only."""
    if not FIVE_FIELDS.fullmatch(value):
        raise ValidationError("Not five fields of numbers, *, lists, ranges and steps.")
    try:
        CronSim(value, datetime.now(UTC))
    except CronSimError as error:
        raise ValidationError(f"Not a cron expression: {error}.") from error


def is_faults(value: str) -> None:
    """Refuse places to die that nobody knows (docs/howto/inject-faults.md)."""
    try:
        Faults.parse(value)
    except ValueError as error:
        raise ValidationError(str(error)) from error
