"""What a stored action is in the catalogue: metadata like that of an installed one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline_engine.domain.action_params import holds
from pipeline_engine.domain.actions import (
    ActionMeta,
    ExecutionMode,
    InnerAction,
    OutputDefinition,
    ParamDefinition,
)
from pipeline_engine.domain.stored_actions.definition import Composite, Template
from pipeline_engine.domain.stored_actions.exposed import (
    params_of_composite,
    params_of_template,
    passed_through,
)
from pipeline_engine.domain.stored_actions.inner import uses_of

CATEGORY, COLOR = "Composite", "#6366f1"


def meta_of(
    action: Template | Composite, version: str, bases: Mapping[str, ActionMeta]
) -> ActionMeta:
    """The metadata of a version; *bases* are the actions that it uses, by the names it has."""
    if isinstance(action, Template):
        return _template(action, version, bases)
    return _composite(action, version, bases)


def _template(action: Template, version: str, bases: Mapping[str, ActionMeta]) -> ActionMeta:
    base = bases[action.base]
    used = [bases[name] for name in uses_of(action, bases.get)]
    passed = frozenset(passed_through(action, base))
    kept = base.unrendered_params & passed
    parks = base.parks_when
    mode = base.execution_mode
    if parks is not None and parks.param not in passed:
        # Decided by the defaults, unless a template decides.
        mode = mode if holds(parks, base, action.defaults) is not False else ExecutionMode.SYNC
        parks = None
    return replace(
        base,
        **_said(action, version, params_of_template(action, base)),
        category=action.category or base.category,
        description=action.description or f"{base.name}, with params filled in.",
        icon=action.icon or base.icon,
        color=action.color or base.color,
        execution_mode=mode,
        unrendered_params=kept,
        adds_names=base.adds_names if kept else frozenset(),
        lacks_names=base.lacks_names if kept else {},
        names_need=base.names_need if kept else {},
        inner=_inner_given(base, passed),
        parks_when=parks,
        **_left(action, base, passed),
        **_of_all(used),
    )


def _left(action: Template, base: ActionMeta, passed: Collection[str]) -> dict[str, Any]:
    """What it leaves, if that is what one of its base's params says."""
    if base.outputs_from is None:
        return {}
    filled = action.filled.get(base.outputs_from)
    if base.outputs_from in passed:
        return {"open_outputs": base.open_outputs or filled is not None}
    if not isinstance(filled, Mapping):  # a template: nobody knows before it runs
        return {"outputs_from": None, "open_outputs": base.open_outputs or filled is not None}
    known = {output.name for output in base.outputs}
    its = (OutputDefinition(name, "any") for name in filled if name not in known)
    return {"outputs_from": None, "outputs": (*base.outputs, *its)}


def _inner_given(base: ActionMeta, passed: Collection[str]) -> InnerAction | None:
    """How a step names what the items of the base run, if it is let."""
    inner = base.inner
    if inner is None or inner.action not in passed:
        return None
    return inner if inner.params in passed else replace(inner, params=None)


def _of_all(used: Sequence[ActionMeta]) -> dict[str, Any]:
    """What holds if it holds for one of the actions that it uses."""
    return {
        "idempotent": all(meta.idempotent for meta in used),
        "needs_keys_at": _each_once(meta.needs_keys_at for meta in used),
        "required_services": _each_once(meta.required_services for meta in used),
        "required_permissions": _each_once(meta.required_permissions for meta in used),
        **_deprecation([meta for meta in used if meta.deprecated]),
    }


def _deprecation(old: Sequence[ActionMeta]) -> dict[str, Any]:
    """What is told of an action that uses these; nothing takes its place, a new version may."""
    told = "; ".join(map(_why_deprecated, old)) or None
    return {"deprecated": bool(old), "deprecation_message": told, "replaced_by": None}


def _why_deprecated(meta: ActionMeta) -> str:
    because = f" ({meta.deprecation_message})" if meta.deprecation_message else ""
    instead = f", and should use '{meta.replaced_by}'" if meta.replaced_by else ""
    return f"it uses '{meta.type}' {meta.version}{because}{instead}"


def _composite(action: Composite, version: str, bases: Mapping[str, ActionMeta]) -> ActionMeta:
    used = [bases[name] for name in action.uses]
    may_park = any(meta.execution_mode is ExecutionMode.EVENT_DRIVEN for meta in used)
    return ActionMeta(
        **_said(action, version, params_of_composite(action, bases)),
        category=action.category or CATEGORY,
        description=action.description or f"Runs {', '.join(part.id for part in action.parts)}.",
        icon=action.icon or "stack",
        color=action.color or COLOR,
        outputs=_outputs(action, bases),
        execution_mode=ExecutionMode.EVENT_DRIVEN if may_park else ExecutionMode.SYNC,
        cheap=all(meta.cheap for meta in used),
        **_of_all(used),
    )


def _said(
    action: Template | Composite, version: str, params: Iterable[ParamDefinition]
) -> dict[str, Any]:
    """What is its own whatever it is made of."""
    own: dict[str, Any] = {"type": action.type, "name": action.name, "version": version}
    return {**own, "params": tuple(params), "aliases": (), "examples": (), "docs_url": None}


def _outputs(action: Composite, bases: Mapping[str, ActionMeta]) -> list[OutputDefinition]:
    if action.outputs:
        return [OutputDefinition(name, "any", "") for name in action.outputs]
    return [
        OutputDefinition(part.id, "object", f"What {bases[part.action].name} leaves.")
        for part in action.parts
    ]


def _each_once(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(word for words in lists for word in words))
