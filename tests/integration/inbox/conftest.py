"""An execution that waits for an event."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from support.driving import Driver
from support.event_triggers import a_release
from support.factories import a_step
from support.parked_job import Parked


@pytest.fixture
def job() -> Parked:
    return Parked()


@pytest.fixture
def driver(drive, job: Parked) -> Driver:
    return drive(job.action())


@pytest.fixture
def waiting(driver: Driver) -> UUID:
    """An execution whose only step waits for an event with the workflow id ``job``."""
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()
    return execution_id


@pytest.fixture
def release(driver: Driver, session: Session) -> str:
    """The id of a pipeline that events can start."""
    return a_release(driver, session)
