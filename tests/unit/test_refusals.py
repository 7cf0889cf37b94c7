"""Refusals that anybody can cause are counted, and a few of them recorded."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from pipeline_engine.domain.audit_log import Act, Record, Result
from pipeline_engine.services import refusals
from pipeline_engine.services.refusals import Refusals


def refused(address: str = "10.0.0.1", **fields: Any) -> Record:
    return Record(
        act=Act.CALLER_AUTHENTICATE,
        principal=None,
        result=Result.REFUSED,
        code="invalid_token",
        address=address,
        **fields,
    )


class Written(Refusals):
    """Keeps what would be written; the clock stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self.records: list[Record] = []
        self.is_away = False
        super().__init__(runtime=None, clock=lambda: self.now)  # type: ignore[arg-type]

    def _write(self, refused: Record) -> None:
        if self.is_away:
            raise OperationalError("INSERT", None, Exception("away"))
        self.records.append(refused)


@pytest.fixture
def written() -> Written:
    return Written()


def test_those_of_one_kind_are_recorded_once_a_minute_with_their_count(written: Written) -> None:
    for _ in range(10):
        written.record(refused(), is_merged=True)
    written.now = refusals.MERGED_SECONDS
    written.record(refused(), is_merged=True)

    assert [dict(record.details) for record in written.records] == [{}, {"more_before": 9}]


def test_each_address_and_each_reason_is_a_kind(written: Written) -> None:
    for address in ("10.0.0.1", "10.0.0.2"):
        for reason in ("expired", "revoked"):
            written.record(refused(address, details={"reason": reason}), is_merged=True)

    assert len(written.records) == 4


def test_a_flood_from_everywhere_is_of_one_kind_and_takes_no_memory(written: Written) -> None:
    for number in range(10 * refusals.MOST_KINDS):
        written.record(refused(f"10.0.{number // 256}.{number % 256}"), is_merged=True)

    assert len(written.records) == refusals.MOST_KINDS + 1
    assert written.records[-1].address is None


def test_what_somebody_is_refused_who_is_known_is_recorded_each_time(written: Written) -> None:
    for _ in range(3):
        written.record(refused())

    assert len(written.records) == 3


def test_while_the_database_is_away_no_answer_waits_for_it_again(written: Written) -> None:
    written.is_away = True
    written.record(refused())
    written.is_away = False

    written.record(refused())
    written.now = refusals.PAUSE_SECONDS
    written.record(refused())

    assert len(written.records) == 1
