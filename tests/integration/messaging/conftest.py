"""A messenger of a runtime that may reach this machine, and somebody who listens there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.local_service import LocalService, local_service
from support.messengers import OneMessenger
from support.runtimes import MakeRuntime

from pipeline_engine.scheduler.runtime import Runtime


@pytest.fixture
def reaching(make_runtime: MakeRuntime) -> Callable[..., Runtime]:
    """A way to make runtimes whose messages may go to this machine."""
    usual = {"http_allowed_hosts": ("127.0.0.1",), "message_timeout_seconds": 1.0}
    return lambda *actions, **changed: make_runtime(*actions, **(usual | changed))


@pytest.fixture
def runtime(reaching: Callable[..., Runtime]) -> Runtime:
    return reaching()


@pytest.fixture
def messenger(runtime: Runtime) -> OneMessenger:
    return OneMessenger(runtime)


@pytest.fixture
def receiver() -> Iterator[LocalService]:
    with local_service() as service:
        service.answer("POST /hook", status=204)
        yield service
