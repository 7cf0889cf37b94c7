"""A package that nobody trusts, discovered once; its children stay warm for all of these tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any

import pytest
from support.contexts import a_context
from support.strangers import PACKAGE, PLUGINS, TERMS

from pipeline_engine.isolation.pool import close_all
from pipeline_engine.registry import Registry
from pipeline_engine.sdk import ActionResult, run_maybe_async

Execute = Callable[..., ActionResult]


@pytest.fixture(scope="package")
def stranger_entry_points(installed_actions: object) -> Iterator[list[metadata.EntryPoint]]:
    # After the installed ones were found: this package is not among them.
    sys.path.insert(0, str(PLUGINS))
    yield [*metadata.distribution(PACKAGE).entry_points]
    sys.path.remove(str(PLUGINS))


@pytest.fixture(scope="package")
def strangers(stranger_entry_points: list[metadata.EntryPoint]) -> Iterator[Registry]:
    """The actions of the package as an engine finds them that does not trust it."""
    yield Registry.discover(stranger_entry_points, terms=TERMS)
    close_all()


@pytest.fixture(scope="package")
def execute(strangers: Registry) -> Execute:
    """A way to run one of them alone."""

    def run(action: str, params: dict[str, Any], **facts: Any) -> ActionResult:
        context = a_context(params, **facts)
        return run_maybe_async(strangers.executor(action).execute(context))

    return run
