"""What the actions of untrusted packages say about themselves: asked of a child, never imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from pipeline_engine.isolation.between.failures import IsolationFault
from pipeline_engine.isolation.between.loading import InvalidPlugin
from pipeline_engine.isolation.between.plain import Misshapen, from_json
from pipeline_engine.isolation.between.wire import Message
from pipeline_engine.isolation.clerk import Clerk
from pipeline_engine.isolation.executor import Remote, executor_class
from pipeline_engine.isolation.pool import Pool
from pipeline_engine.isolation.process import ChildProcess
from pipeline_engine.isolation.terms import Terms
from pipeline_engine.sdk import ActionError, ActionMeta, BaseActionExecutor

#: Seconds for importing all actions of a package.
IMPORT_SECONDS = 30.0
#: Packages that are asked at a time.
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Target:
    """An entry point of a package: its name, and what it leads to."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Described:
    """An action, or why it is none."""

    meta: ActionMeta | None = None
    executor_class: type[BaseActionExecutor] | None = None
    broken: str | None = None


def describe(
    packages: Mapping[str, Sequence[Target]], terms: Terms
) -> Mapping[str, Mapping[Target, Described]]:
    """All actions of these packages; their children are ended again.

    Each package is asked in a child of its own, several at a time: one that hangs or crashes is
    the reason of its own actions only.
    """
    if not packages:
        return {}
    pool = Pool(terms)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="describe") as threads:
        found = threads.map(lambda one: _asked(pool, terms, one[0], one[1]), packages.items())
        return dict(zip(packages, found, strict=True))


def _asked(
    pool: Pool, terms: Terms, package: str, targets: Sequence[Target]
) -> Mapping[Target, Described]:
    try:
        told = _told(terms, package, targets)
    except IsolationFault as fault:
        return dict.fromkeys(targets, Described(broken=str(fault)))
    return {
        target: _read(pool, package, target, one) for target, one in zip(targets, told, strict=True)
    }


def _told(terms: Terms, package: str, targets: Sequence[Target]) -> Sequence[Any]:
    child = ChildProcess(package, terms)
    try:
        child.wait_until_ready()
        call = {"method": "describe", "targets": [[one.name, one.value] for one in targets]}
        done = child.call(call, Clerk(NOBODY), seconds=IMPORT_SECONDS, pausing=False)
    finally:
        child.kill()
    value = done.get("value")
    if not isinstance(value, list) or len(value) != len(targets):
        raise IsolationFault(f"The process of {package} answered nonsense")
    return value


#: For whom nothing is done while a package is asked about itself.
NOBODY = ActionMeta(type="nobody", name="Nobody", category="None", description="Nobody.")


def _read(pool: Pool, package: str, target: Target, told: Message) -> Described:
    if not isinstance(told, dict) or "broken" in told:
        reason = told.get("broken") if isinstance(told, dict) else None
        return Described(broken=str(reason or "its process answered nonsense")[:2000])
    try:
        # Cheap ones share a transaction, and no stranger holds up the steps of others.
        meta = replace(from_json(ActionMeta, told.get("meta")), cheap=False)
        methods = from_json(tuple[str, ...], told.get("methods"))
    except (Misshapen, ActionError, InvalidPlugin, TypeError, ValueError) as error:
        return Described(broken=f"its metadata cannot be read: {error}")
    remote = Remote(pool, package, target.name, target.value, meta)
    fans_out = told.get("fans_out") is True
    return Described(meta, executor_class(remote, meta, methods, fans_out=fans_out))
