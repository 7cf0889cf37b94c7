"""From what an entry point leads to, to an action: in whichever process it is loaded."""

from __future__ import annotations

from typing import Any

from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.isolation.between.places import reason_in
from pipeline_engine.sdk import ActionMeta, BaseActionExecutor


class InvalidPlugin(PipelineEngineError):
    """An entry point does not lead to an action."""

    code = "invalid_plugin"


def meta_of(target: Any, name: str) -> ActionMeta:
    """What the target of the entry point *name* says about itself; raises ``InvalidPlugin``."""
    meta = getattr(target, "meta", None)
    if not isinstance(meta, ActionMeta):
        raise InvalidPlugin(f"Action {name} missing 'meta' attribute")
    return meta


def executor_class_of(target: Any) -> type[BaseActionExecutor]:
    """The executor: the target itself, or the class that it names; raises ``InvalidPlugin``."""
    if isinstance(target, type) and issubclass(target, BaseActionExecutor):
        return target
    executor_class = getattr(target, "executor_class", None)
    if executor_class is None:
        raise InvalidPlugin(f"Action {target.meta.type} missing 'executor_class' attribute")
    if not (isinstance(executor_class, type) and issubclass(executor_class, BaseActionExecutor)):
        raise InvalidPlugin(f"the executor of {target.meta.type} is no BaseActionExecutor")
    return executor_class


def reason_of(error: BaseException) -> str:
    """Why an action could not be loaded, in words."""
    return str(error) if isinstance(error, InvalidPlugin) else reason_in(error)
