"""An action that is installed, and one that cannot be used."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import structlog

from pipeline_engine.errors import FOREIGN_ERRORS, UnknownAction
from pipeline_engine.isolation.between.loading import InvalidPlugin
from pipeline_engine.sdk import ActionMeta, BaseActionExecutor, FanOutActionExecutor

log = structlog.get_logger(__name__)

__all__ = ["BrokenAction", "InvalidPlugin", "RegisteredAction"]


@dataclass(frozen=True)
class BrokenAction:
    """An entry point that cannot be used, and why."""

    name: str
    distribution: str
    reason: str


@dataclass(frozen=True, eq=False)
class RegisteredAction:
    """An action that can run; its executor is made when it is first wanted."""

    meta: ActionMeta
    executor_class: type[BaseActionExecutor]
    distribution: str
    distribution_version: str
    isolated: bool = False  #: it runs in a process of its own
    _made: list[BaseActionExecutor] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def fans_out(self) -> bool:
        """Whether it makes items of its own."""
        return issubclass(self.executor_class, FanOutActionExecutor)

    @property
    def executor(self) -> BaseActionExecutor:
        """The one instance of this process; raises ``UnknownAction`` if it cannot be made."""
        with self._lock:
            if not self._made:
                self._made.append(self._new())
            return self._made[0]

    def _new(self) -> BaseActionExecutor:
        if self.meta.deprecated:
            self._tell_of_deprecation()
        try:
            return self.executor_class()
        except FOREIGN_ERRORS as error:  # foreign code: its constructor may want what is not there
            log.warning("action_broken", action=self.meta.type, exc_info=True)
            message = f"Action '{self.meta.type}' cannot be made: {type(error).__name__}"
            raise UnknownAction(message, type=self.meta.type) from error

    def _tell_of_deprecation(self) -> None:
        """Once per process, as its executor is made once."""
        log.warning(
            "action_deprecated",
            action=self.meta.type,
            version=self.meta.version,
            replaced_by=self.meta.replaced_by,
            because=self.meta.deprecation_message,
        )
