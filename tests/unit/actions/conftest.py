"""Peer services for the tests of actions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.local_service import LocalService, door_to, local_service
from support.stand_ins import StandIns, stand_ins

from pipeline_engine.sdk import PeerApi


@pytest.fixture
def service() -> Iterator[LocalService]:
    """A real HTTP server."""
    with local_service() as running:
        yield running


@pytest.fixture
def door(service: LocalService) -> Iterator[PeerApi]:
    """A door behind which every peer is ``service``."""
    with door_to(service) as opened:
        yield opened


@pytest.fixture(scope="package")
def running_stand_ins() -> Iterator[StandIns]:
    """One set of stand-ins for all of these tests."""
    with stand_ins() as running:
        yield running


@pytest.fixture
def peers(running_stand_ins: StandIns) -> StandIns:
    """The stand-ins as if nothing had happened yet."""
    running_stand_ins.reset()
    return running_stand_ins
