"""What a caller may be allowed to do: one word for each kind of request, by noun."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

#: The form of every right: a scope of the API, or a word of ``required_permissions``.
WORD = re.compile(r"[a-z][a-z0-9_-]{0,62}:[a-z][a-z0-9_-]{0,62}", re.ASCII)


class Scope(StrEnum):
    """The right that a route demands; the owners of rows are checked elsewhere."""

    ACTIONS_READ = "actions:read"  #: what steps can do
    ACTIONS_WRITE = "actions:write"  #: store, replace and delete actions that are data
    ALERTS_READ = "alerts:read"  #: what is wrong, and what is watched
    ALERTS_WRITE = "alerts:write"  #: say what is watched; with executions:read
    AUDIT_LOG_READ = "audit-log:read"  #: who did what; of one's own rows
    DELIVERIES_CONTROL = "deliveries:control"  #: offer an unaccepted delivery again
    DELIVERIES_READ = "deliveries:read"  #: what came from outside
    EVENT_TRIGGERS_READ = "event-triggers:read"  #: which events start what
    EVENT_TRIGGERS_WRITE = "event-triggers:write"  #: say so; with executions:run
    EVENTS_SEND = "events:send"  #: tell waiting steps what happened
    EXECUTIONS_CONTROL = "executions:control"  #: cancel, and answer approvals
    EXECUTIONS_READ = "executions:read"  #: follow and explain
    EXECUTIONS_RUN = "executions:run"  #: start
    GUARDRAILS_READ = "guardrails:read"  #: deployment workflows, and how far they are
    GUARDRAILS_WRITE = "guardrails:write"  #: begin them, say the next step, cancel them
    PIPELINES_READ = "pipelines:read"  #: stored definitions
    PIPELINES_WRITE = "pipelines:write"  #: store, change, delete, and check before that
    SCHEDULES_CONTROL = "schedules:control"  #: pause and resume; with executions:run start, too
    SCHEDULES_READ = "schedules:read"  #: when what is due, and what became of it
    SCHEDULES_WRITE = "schedules:write"  #: delete; with executions:run make and change, too
    SECRETS_READ = "secrets:read"  #: names and versions, never a value
    SECRETS_WRITE = "secrets:write"  #: set, restore and delete
    SECRETS_USE = "secrets:use"  #: name them in steps of what one starts
    SUBSCRIPTIONS_READ = "subscriptions:read"  #: who is told what, and what was sent; no secret
    SUBSCRIPTIONS_WRITE = "subscriptions:write"  #: subscribe, change, pause, test, send again
    TOKENS_MANAGE = "tokens:manage"  #: make, list and revoke API tokens
    WEBHOOKS_READ = "webhooks:read"  #: doors for third parties, and what came in by them
    WEBHOOKS_WRITE = "webhooks:write"  #: make, change, try and delete them, and their secrets
    ENGINE_CONTROL = "engine:control"  #: ring for what the engine does by itself; of a mesh
    OWNERS_ANY = "owners:any"  #: act for every owner, and see all rows when acting for nobody
    ADMIN = "admin"  #: everything, and what belongs to the system


#: Rights that no role or token has by its noun: they reach beyond the rows of one owner.
FAR_REACHING = frozenset({Scope.ENGINE_CONTROL, Scope.OWNERS_ANY, Scope.ADMIN})
#: What only a role or token has that names it: it tells of people, and where they are.
BY_NAME = FAR_REACHING | {Scope.AUDIT_LOG_READ}

_VIEWER = frozenset(scope for scope in Scope if scope.endswith(":read")) - BY_NAME
_OPERATOR = _VIEWER | {
    Scope.DELIVERIES_CONTROL,
    Scope.EVENTS_SEND,
    Scope.EXECUTIONS_CONTROL,
    Scope.EXECUTIONS_RUN,
    Scope.GUARDRAILS_WRITE,
    Scope.SCHEDULES_CONTROL,
    Scope.SECRETS_USE,
}
EDITOR = "editor"  #: the role of those whom ``PIPELINE_USER_TOKENS`` names
#: Named sets of rights; ``PIPELINE_ROLES`` adds to them, and changes them.
ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "viewer": _VIEWER,
        "operator": _OPERATOR,
        EDITOR: frozenset(Scope) - BY_NAME,
        "administrator": frozenset({Scope.ADMIN}),
    }
)


def unknown_among(words: Iterable[str]) -> list[str]:
    """Those of *words* that can be no right, in their order.

    A noun of ours has the verbs that ``Scope`` lists, so a slip of the pen is found. Any other
    ``noun:verb`` is a word for actions to ask for (``required_permissions``).
    """
    nouns = {scope.partition(":")[0] for scope in Scope}
    known = set(Scope)
    return [
        word
        for word in words
        if word not in known and (not WORD.fullmatch(word) or word.partition(":")[0] in nouns)
    ]


def has(rights: Collection[str], word: str) -> bool:
    """Whether *rights* include *word*."""
    return word in rights or Scope.ADMIN in rights


def missing_among(rights: Collection[str], words: Iterable[str]) -> list[str]:
    """Those of *words* that *rights* do not include, sorted."""
    return sorted(word for word in set(words) if not has(rights, word))


def needs(action: str, missing: Iterable[str], *, who: str = "the execution") -> str:
    """Say what the caller lacks for *action*."""
    return f"{action} needs the right {', '.join(missing)}, which {who} does not have"
