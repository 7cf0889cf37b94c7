"""The action that is checked, in any form in which an author has it at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline_engine.registry import TRUSTING, RegisteredAction, Registry
from pipeline_engine.sdk import ActionMeta, BaseActionExecutor, FanOutActionExecutor


@dataclass(frozen=True)
class Checked:
    """Metadata and executor of an action; each check makes executors of its own."""

    meta: ActionMeta
    executor_class: type[BaseActionExecutor]

    @classmethod
    def of(cls, action: Any) -> Checked:
        """Take an executor class, a class that names one, or the type of an installed action.

        Raises ``TypeError`` for anything else, and ``ActionNotFound``.
        """
        found = Registry.discover(terms=TRUSTING).get(action) if isinstance(action, str) else action
        if isinstance(found, RegisteredAction):
            return cls(found.meta, found.executor_class)
        meta, executor_class = getattr(found, "meta", None), _executor_class(found)
        if not isinstance(meta, ActionMeta) or executor_class is None:
            raise TypeError(f"{action!r} is no action: was it given to register_action?")
        return cls(meta, executor_class)

    @property
    def fans_out(self) -> bool:
        """Whether its step expands into items."""
        return issubclass(self.executor_class, FanOutActionExecutor)

    @property
    def runs_items(self) -> bool:
        """Whether it has an ``execute`` of its own, or an ``execute_item``."""
        item = getattr(self.executor_class, "execute_item", None)
        return item is not FanOutActionExecutor.execute_item

    @property
    def reads_events(self) -> bool:
        """Whether it has an ``on_event`` of its own."""
        return self.executor_class.on_event is not BaseActionExecutor.on_event


def _executor_class(found: Any) -> type[BaseActionExecutor] | None:
    named = getattr(found, "executor_class", found)
    is_one = isinstance(named, type) and issubclass(named, BaseActionExecutor)
    return named if is_one else None
