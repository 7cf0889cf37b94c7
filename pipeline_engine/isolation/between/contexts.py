"""Contexts as a child is given them: all of their data, and of secrets those that were placed.

What a context has only on demand (outputs of other steps, the callback URL) is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from pipeline_engine.domain.expressions import (
    KnownSecrets,
    Ledger,
    Reference,
    Vault,
    compile_value,
    covered,
    masker_in,
    parse_condition,
)
from pipeline_engine.domain.expressions.secrecy import revealed
from pipeline_engine.domain.masking import masker_of
from pipeline_engine.isolation.between.plain import from_json, to_json
from pipeline_engine.isolation.between.wire import Message
from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    EngineApi,
    EventContext,
    ExpressionError,
    ItemResult,
)
from pipeline_engine.sdk.senders import Sender

Context = ActionContext | EventContext
Ask = Callable[..., Any]
T = TypeVar("T")

#: Asked for when they are looked at, made anew, or sent in another form.
_APART = frozenset({"engine", "scope", "callback_url", "metadata", "workflow_params"})
#: Names in templates that are made of other data in the child.
_MADE_THERE = frozenset({"params", "steps", "secrets", "item", "item_index", "item_key", "event"})
#: Results of items that a join is given at a time.
PIECE = 500


# ── In the engine ────────────────────────────────────────────────────────────────────────


def context_to_json(context: Context, meta: ActionMeta) -> Message:
    """What a child makes a context of."""
    scope, masker = context.scope, masker_in(context.scope)
    placed = _Placed.by(meta, context.params)
    names = {name: revealed(value) for name, value in scope.items() if name not in _MADE_THERE}
    data = {
        one.name: to_json(getattr(context, one.name))
        for one in fields(context)
        if one.name not in _APART and not _is_lazy(context, one.name)
    }
    workflow = {
        name: value if name in placed.params else masker.mask(value)
        for name, value in context.workflow_params.items()
    }
    told = {
        "data": data,
        "workflow_params": to_json(workflow),
        "scope": to_json({n: v if n in placed.roots else masker.mask(v) for n, v in names.items()}),
        "steps": list(scope.get("steps", ())),
        "vault": placed.secrets_in(scope),
    }
    return {**told, "secrets": _quoted(scope, told)}


def _is_lazy(context: Context, name: str) -> bool:
    return name == "step_outputs" and isinstance(context, ActionContext)


def _quoted(scope: Mapping[str, Any], told: Message) -> list[str]:
    """The secrets among what is told, so that the child knows them for what they are."""
    masker = masker_in(scope)
    if not masker.finds(told):
        return []
    return sorted(one for one in masker.secrets if masker_of([one]).finds(told))


class _Placed:
    """What the author of a definition has placed in the templates that an action renders."""

    def __init__(self, references: Iterable[Reference]) -> None:
        named = [(one.root, str(one.path[0]) if one.path else None) for one in references]
        self.roots = {root for root, _ in named}
        self.params = {name for root, name in named if root == "params"}
        self.secrets = {name for root, name in named if root == "secrets" and name}

    @classmethod
    def by(cls, meta: ActionMeta, params: Mapping[str, Any]) -> _Placed:
        raw = [params[name] for name in sorted(meta.unrendered_params) if name in params]
        found = [reference for _, reference in compile_value(raw).references]
        for text in raw:
            if isinstance(text, str):  # it may be a condition, which needs no braces
                with suppress(ExpressionError):
                    found.extend(parse_condition(text).references)
        return cls(found)

    def secrets_in(self, scope: Mapping[str, Any]) -> dict[str, str]:
        vault = scope.get("secrets")
        if not isinstance(vault, Vault):
            return {}
        return {name: vault[name].reveal() for name in sorted(self.secrets) if name in vault}


# ── In a child ───────────────────────────────────────────────────────────────────────────


def context_from_json(kind: type[T], told: Message, *, engine: EngineApi, ask: Ask) -> T:
    """The context that an action is given."""
    ledger = Ledger(masker_of(told["secrets"]))
    data, workflow = dict(told["data"]), told["workflow_params"]
    for name in ("deadline", "received_at"):
        if data.get(name) is not None:
            data[name] = datetime.fromisoformat(data[name])
    if data.get("sender") is not None:
        data["sender"] = from_json(Sender, data["sender"])
    if "external_workflow_ids" in data:
        data["external_workflow_ids"] = tuple(data["external_workflow_ids"])
    if kind is ActionContext:
        data["step_outputs"] = _Asked(told["steps"], lambda step: ask("outputs", step=step))
    scope = {
        "params": covered(workflow, ledger),
        **{name: covered(value, ledger) for name, value in told["scope"].items()},
        "steps": _Asked(told["steps"], lambda step: ask("step", step=step)),
        "secrets": Vault(KnownSecrets(told["vault"]), ledger),
        **_of_item(data, ledger),
    }
    made: Any = kind
    context: T = made(**data, workflow_params=workflow, scope=scope, engine=engine)
    return context


def _of_item(data: Mapping[str, Any], ledger: Ledger) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if data.get("item_index") is not None:
        found = {name: data[name] for name in ("item_index", "item_key")}
        found["item"] = covered(data["item"], ledger)
    if "event_data" in data:
        found["event"] = covered(data["event_data"], ledger)
    return found


class _Asked(Mapping[str, Any]):
    """What is known of steps, by their ids; each is asked for when it is looked at."""

    def __init__(self, known: Sequence[str], look: Callable[[str], Any]) -> None:
        self._names, self._look = known, look
        self._known: dict[str, Any] = {}

    def __getitem__(self, step_id: str) -> Any:
        if step_id not in self._known:
            self._known[step_id] = self._look(step_id)
        if self._known[step_id] is None:
            raise KeyError(step_id)
        return self._known[step_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class AskedResults(Sequence[ItemResult]):
    """The results of all items of a fan-out, read in pieces as they are looked at."""

    def __init__(self, total: int, ask: Ask) -> None:
        self._total, self._ask = total, ask
        self._piece: list[ItemResult] = []
        self._first = 0

    def __len__(self) -> int:
        return self._total

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._at(one) for one in range(self._total)[index]]
        return self._at(range(self._total)[index])

    def _at(self, index: int) -> ItemResult:
        if not self._first <= index < self._first + len(self._piece):
            self._first = index - index % PIECE
            found = self._ask("items", first=self._first)
            self._piece = [from_json(ItemResult, one) for one in found]
        return self._piece[index - self._first]
