"""A package with many actions, written as a stranger's would be."""

from __future__ import annotations

from pathlib import Path

NAME = "many_actions"
#: Enough to say about each that listing them costs what it costs in real life.
MODULE = """\
from pipeline_engine.sdk import (
    ActionMeta, ActionResult, BaseActionExecutor, OutputDefinition, ParamDefinition, ParamType,
    SelectOption, ValidationRules, register_action,
)

META = ActionMeta(
    type="{action}",
    name="Action {number}",
    category="Category {category}",
    description="Does what number {number} of many actions does.",
    params=[
        ParamDefinition("name", "Name", required=True, description="What it is called.",
                        validation=ValidationRules(min_length=1, max_length=100)),
        ParamDefinition("count", "Count", ParamType.NUMBER, default=1, description="How many.",
                        validation=ValidationRules(min=1, max=100)),
        ParamDefinition("mode", "Mode", ParamType.SELECT, default="fast", description="How.",
                        options=[SelectOption("fast", "Fast"), SelectOption("safe", "Safe")]),
        ParamDefinition("options", "Options", ParamType.JSON, description="Anything else."),
    ],
    outputs=[OutputDefinition("result", "object", "What came of it.")],
)


@register_action(META)
class Action(BaseActionExecutor):
    def execute(self, context):
        return ActionResult(success=True)
"""


def write(directory: Path, count: int) -> Path:
    """Install *count* actions below *directory*, one module each; what goes into the path."""
    modules = directory / NAME
    modules.mkdir(parents=True, exist_ok=True)
    (modules / "__init__.py").touch()
    names = [f"many_{number}" for number in range(count)]
    for number, name in enumerate(names):
        text = MODULE.format(action=name, number=number, category=number % 10)
        (modules / f"{name}.py").write_text(text)
    metadata = directory / f"{NAME}-1.0.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n")
    lines = [f"{name} = {NAME}.{name}:Action" for name in names]
    text = "\n".join(["[pipeline_engine.actions]", *lines, ""])
    (metadata / "entry_points.txt").write_text(text)
    return directory
