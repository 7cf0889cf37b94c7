"""What every built-in action has to look like."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

from pipeline_engine.registry import OWN_DISTRIBUTION, RegisteredAction, Registry
from pipeline_engine.sdk import (
    BaseActionExecutor,
    ExecutionMode,
    FanOutActionExecutor,
    check_params,
)

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "actions").rglob("*.py"))
REFERENCE = (ROOT / "docs" / "reference" / "actions.md").read_text()
#: Libraries that an action may use; everything else about the engine is in the sdk.
LIBRARIES = {"orjson", "requests"}

ACTIONS = [action for action in Registry.discover() if action.distribution == OWN_DISTRIBUTION]
each_action = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.meta.type)
each_cheap_action = pytest.mark.parametrize(
    "action",
    [action for action in ACTIONS if action.meta.cheap],
    ids=lambda action: action.meta.type,
)
each_file = pytest.mark.parametrize(
    "file", FILES, ids=lambda file: str(file.relative_to(ROOT / "actions"))
)


def entry_points() -> dict[str, str]:
    setup = ConfigParser(delimiters=("=",))
    setup.optionxform = str  # type: ignore[assignment, method-assign]
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"]["pipeline_engine.actions"].split("\n")
    pairs = [line.partition("=") for line in lines if "=" in line]
    return {name.strip(): target.strip() for name, _, target in pairs}


def section(action: RegisteredAction) -> str:
    """Return the part of the reference that is about an action."""
    _, _, rest = REFERENCE.partition(f"\n### `{action.meta.type}`\n")
    return re.split(r"\n##+ ", rest)[0]


def test_every_file_with_an_action_has_its_entry_point_and_every_entry_point_its_file():
    with_action = {
        ".".join(
            ("pipeline_engine_actions", *file.relative_to(ROOT / "actions").with_suffix("").parts)
        )
        for file in FILES
        if "@register_action" in file.read_text()
    }

    named = {target.partition(":")[0] for target in entry_points().values()}

    assert named == with_action


def test_every_entry_point_is_installed_and_works():
    assert {action.meta.type for action in ACTIONS} == set(entry_points())
    assert dict(Registry.discover().broken) == {}


@each_file
def test_an_action_knows_the_sdk_and_its_siblings_only(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [str(node.module)]
        else:
            continue
        for module in modules:
            top = module.partition(".")[0]
            assert (
                module == "pipeline_engine.sdk"
                or top in LIBRARIES
                or top in sys.stdlib_module_names
            ), f"{file.name} imports {module}"


@each_file
def test_nothing_happens_when_an_action_is_imported(file):
    harmless = (
        ast.Import,
        ast.ImportFrom,
        ast.Assign,
        ast.AnnAssign,
        ast.FunctionDef,
        ast.ClassDef,
    )

    body = ast.parse(file.read_text()).body

    assert isinstance(body[0], ast.Expr)  # the docstring
    assert [node for node in body[1:] if not isinstance(node, harmless)] == []


@each_file
def test_an_action_keeps_nothing_between_two_steps(file):
    names = {
        node.id for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Name)
    }
    statements = ast.walk(ast.parse(file.read_text()))

    assert "globals" not in names
    assert not any(isinstance(node, ast.Global | ast.Nonlocal) for node in statements)
    for node in lasting_nodes(file):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            owner = node.value
            assert not (isinstance(owner, ast.Name) and owner.id == "self"), ast.unparse(node)


def lasting_nodes(file: Path) -> Iterator[ast.AST]:
    """Return what may be shared by steps: all but dataclasses, as each step makes its own."""
    for statement in ast.parse(file.read_text()).body:
        if isinstance(statement, ast.ClassDef) and any(
            ast.unparse(one).startswith("dataclass") for one in statement.decorator_list
        ):
            continue
        yield from ast.walk(statement)


@each_action
def test_an_action_is_described_for_those_who_see_it_only_in_an_editor(action):
    meta = action.meta

    assert meta.validate() == []
    assert meta.description.endswith(".")
    assert meta.icon
    assert re.fullmatch(r"#[0-9A-Fa-f]{6}", meta.color)
    assert [param.name for param in meta.params if not param.description] == []
    assert [output.name for output in meta.outputs if not output.description] == []
    assert meta.outputs or meta.type in {"set_output", "end"}  # theirs are what they are given


@each_action
def test_the_examples_of_an_action_fit_its_own_params(action):
    for example in action.meta.examples:
        assert check_params(action.meta, example.params) == []
        assert action.executor.validate_params(example.params) == []
        assert set(example.params) <= {param.name for param in action.meta.params}


@each_cheap_action
def test_a_cheap_action_neither_waits_for_a_peer_nor_needs_an_event_loop(action):
    assert not inspect.iscoroutinefunction(action.executor.execute)
    assert not action.meta.required_services
    source = inspect.getsource(sys.modules[action.executor_class.__module__])
    for call in ("invoke_service", "http_session", "publish_notification", "start_pipeline"):
        assert call not in source


@each_action
def test_only_an_action_that_can_be_woken_says_that_it_waits_for_events(action):
    executor = action.executor
    reads_events = type(executor).on_event is not BaseActionExecutor.on_event

    assert (reads_events or isinstance(executor, FanOutActionExecutor)) == (
        action.meta.execution_mode is ExecutionMode.EVENT_DRIVEN
    )


@each_action
def test_the_reference_has_a_line_for_the_action_and_each_of_its_params_and_outputs(action):
    lines = section(action).splitlines()
    meta = action.meta

    assert meta.description in section(action)
    for name in [*(param.name for param in meta.params), *(output.name for output in meta.outputs)]:
        assert any(line.startswith(f"| `{name}` |") for line in lines), name
    for option in [option for param in meta.params for option in param.options or ()]:
        assert str(option.value) in section(action)
    for alias in meta.aliases:
        assert f"`{alias}`" in section(action)


def test_the_reference_describes_no_action_that_does_not_exist():
    described = re.findall(r"\n### `(.+)`\n", REFERENCE)

    assert sorted(described) == sorted(action.meta.type for action in ACTIONS)


def test_the_first_action_of_the_guide_passes_the_test_that_the_guide_gives_it(
    tmp_path, monkeypatch
):
    guide = (ROOT / "docs" / "howto" / "write-an-action.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    (tmp_path / "acme_actions.py").write_text(blocks[0])
    (tmp_path / "test_of_the_guide.py").write_text(blocks[-1])
    monkeypatch.syspath_prepend(str(tmp_path))

    module = importlib.import_module("acme_actions")

    assert module.META.validate() == []
    importlib.import_module("test_of_the_guide").test_somebody_is_greeted_by_name()


@each_action
def test_the_time_that_a_call_may_be_given_fits_into_the_time_of_its_attempt(action):
    """Or the limit of the action would end what its param allows."""
    param = action.meta.param("timeout_seconds")
    if param is None or action.meta.execution_mode is not ExecutionMode.SYNC:
        return
    assert param.validation is not None
    assert (action.meta.timeout_seconds or 0) > param.validation.max
