"""Actions that are wrong in other ways, one that would be a built-in, and one that is right."""

from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    register_action,
)


def described(action_type: str, *, aliases: tuple[str, ...] = ()) -> ActionMeta:
    return ActionMeta(type=action_type, name="N", category="Acme", description="D", aliases=aliases)


class Working(BaseActionExecutor):
    def execute(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True)


@register_action(described("acme_working"))
class Plain(Working):
    pass


class WithoutMeta(Working):
    pass


@register_action(described("acme_without_executor"))
class WithoutExecutor:
    pass


@register_action(described("acme_stranger"))
class Stranger:
    executor_class = dict


@register_action(described("log"))
class Log(Working):
    pass


@register_action(described("acme_renamed"))
class Renamed(Working):
    pass


@register_action(described("acme.aliased", aliases=("acme_aliased",)))
class Aliased(Working):
    pass
