"""A peer service for the tests of actions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.local_service import LocalService, door_to, local_service

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
