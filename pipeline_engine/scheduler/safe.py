"""The stored secrets that the steps of an execution may name, opened when they are needed.

Whose they are follows from the definition, not from whoever runs it: they are those of its owner.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.config import Settings
from pipeline_engine.domain.authority import Authority
from pipeline_engine.domain.expressions import KnownSecrets
from pipeline_engine.domain.masking import Masker, masker_of, remember
from pipeline_engine.domain.scopes import Scope, has
from pipeline_engine.domain.sealing import SecretUnreadable, place_of_secret, sealer_with
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.storage import secrets
from pipeline_engine.storage.rows import ExecutionFacts
from pipeline_engine.storage.secrets import SYSTEM, SealedValue

#: What was opened stays so under the id of a version, which never changes: so many of them.
KEPT_OPEN = 2048
_KEPT_MASKERS = 256

Executions: TypeAlias = Mapping[UUID, tuple[ExecutionFacts, Plan]]
REFUSED = KnownSecrets(is_refused=True)


def may_use(rights: Collection[str]) -> bool:
    """Whether an execution with these *rights* may be given secrets."""
    return has(rights, Scope.SECRETS_USE)


class Safe:
    """What opens the secrets of executions in this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sealer = sealer_with(settings.secret_key, settings.old_secret_keys)
        self._installation = masker_of(settings.secrets.values())
        self._open = lru_cache(maxsize=KEPT_OPEN)(self._opened)

    def unlocked(self, connection: Connection, executions: Executions) -> Executions:
        """The same, those whose definitions name secrets with these, and with what hides them.

        One statement for all of them, and none if no definition names any.
        """
        naming = {i: found for i, found in executions.items() if found[1].named}
        if not naming:
            return executions
        stored = self._stored(connection, naming.values())
        return {**executions, **{i: self._with(stored, *found) for i, found in naming.items()}}

    def _stored(
        self, connection: Connection, executions: Iterable[tuple[ExecutionFacts, Plan]]
    ) -> Mapping[str, list[SealedValue]]:
        """The versions of all secrets that are named, by their owner."""
        wanted: set[tuple[str, str]] = set()
        whole: set[str] = set()
        for facts, plan in executions:
            owner = _store_of(facts.authority)
            if owner is None or not may_use(facts.authority.rights):
                continue
            wanted.update((owner, name) for name in plan.named.names)
            if plan.named.any_other:
                whole.add(owner)
        found: dict[str, list[SealedValue]] = {}
        if wanted or whole:
            for value in secrets.sealed_values(connection, wanted, whole):
                found.setdefault(value.owner, []).append(value)
        return found

    def _with(
        self, stored: Mapping[str, list[SealedValue]], facts: ExecutionFacts, plan: Plan
    ) -> tuple[ExecutionFacts, Plan]:
        authority = facts.authority
        if not may_use(authority.rights):
            return replace(facts, known_secrets=REFUSED), plan
        values = [
            (value, self._open(value.secret_id, value.version, value.sealed))
            for value in self._in_store(stored, authority)
            if plan.named.any_other or value.name in plan.named.names
        ]
        known = self._known(authority, [found for found in values if found[0].is_current])
        base = facts.masker or self._installation
        # The older ones, too: what was sent before it was changed may come back yet.
        hidden = base.secrets.union(text for _, text in values if text is not None)
        return replace(facts, known_secrets=known, masker=remember(_masker(hidden))), plan

    @staticmethod
    def _in_store(
        stored: Mapping[str, list[SealedValue]], authority: Authority
    ) -> Sequence[SealedValue]:
        owner = _store_of(authority)
        return () if owner is None else stored.get(owner, ())

    def _known(
        self, authority: Authority, values: Sequence[tuple[SealedValue, str | None]]
    ) -> KnownSecrets:
        lent = self._settings.secrets if self._is_lent(authority) else {}
        own = {value.name: text for value, text in values}
        return KnownSecrets(
            texts={n: text for n, text in {**lent, **own}.items() if text is not None},
            unreadable=frozenset(name for name, text in own.items() if text is None),
            keys={value.name: value.key for value, _ in values},
            due=frozenset(value.name for value, _ in values if value.is_due),
        )

    def _is_lent(self, authority: Authority) -> bool:
        owner = authority.secrets_of
        return authority.of_system or (owner is not None and self._settings.lends_secrets_to(owner))

    def _opened(self, secret_id: UUID, version: int, sealed: str) -> str | None:
        """The value of a version; None if it was sealed with a key that is not known."""
        try:
            text: str = self._sealer.open(sealed, place_of_secret(secret_id, version)).value
        except SecretUnreadable:  # those who need it say so; older ones are only to be hidden
            return None
        return text


def _store_of(authority: Authority) -> str | None:
    """The owner of the store that ``secrets`` means; None if it means none."""
    if authority.secrets_of is not None:
        return authority.secrets_of
    return SYSTEM if authority.of_system else None


@lru_cache(maxsize=_KEPT_MASKERS)
def _masker(hidden: frozenset[str]) -> Masker:
    return masker_of(hidden)
