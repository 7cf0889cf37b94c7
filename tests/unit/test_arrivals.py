"""Rows that come in are announced at once, and in a rush a few by one message."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event, Thread

import pytest
from waiting import wait_until

from pipeline_engine.dispatch import DELIVER, MOST_IDS, RUN_BATCH, RUSH, Arrivals, Message


class Sent:
    """What was sent, message by message."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def __call__(self, messages: Sequence[Message]) -> None:
        self.messages += messages

    @property
    def ids(self) -> list[int]:
        return [delivery_id for message in self.messages for delivery_id in message.ids]


@pytest.fixture
def sent() -> Sent:
    return Sent()


def test_a_lone_delivery_is_announced_at_once(sent: Sent) -> None:
    arrivals = Arrivals(DELIVER, sent)

    for delivery_id in range(RUSH):
        arrivals.add(delivery_id)

    assert sent.messages == [Message(DELIVER, (delivery_id,)) for delivery_id in range(RUSH)]


def test_in_a_rush_a_message_announces_several(sent: Sent) -> None:
    arrivals = Arrivals(DELIVER, sent)
    for delivery_id in range(RUSH):
        arrivals.add(delivery_id)

    for delivery_id in (10, 11, 12):
        arrivals.add(delivery_id)

    wait_until(lambda: len(sent.ids) == RUSH + 3, what="the gathered ones")
    assert sent.messages[RUSH:] == [Message(DELIVER, (10, 11, 12))]


class HeldUp(Sent):
    """A broker that takes no message of a rush before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self._may_go_on = Event()

    def __call__(self, messages: Sequence[Message]) -> None:
        if len(self.messages) >= RUSH:
            assert self._may_go_on.wait(5), "the test goes on while the broker hangs"
        super().__call__(messages)

    def let_go(self) -> None:
        self._may_go_on.set()


def test_in_a_rush_whoever_brings_a_delivery_does_not_wait_for_the_broker() -> None:
    sent = HeldUp()
    arrivals = Arrivals(DELIVER, sent)

    for delivery_id in range(RUSH + 9):
        arrivals.add(delivery_id)

    assert sent.ids == list(range(RUSH))
    sent.let_go()
    wait_until(lambda: sent.ids == list(range(RUSH + 9)), what="the rest")


def test_each_delivery_is_announced_once_however_many_bring_them(sent: Sent) -> None:
    arrivals = Arrivals(DELIVER, sent)
    threads = [
        Thread(target=lambda n=n: [arrivals.add(100 * n + i) for i in range(100)]) for n in range(8)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    wait_until(lambda: len(sent.ids) == 800, what="all of them")
    assert sorted(sent.ids) == list(range(800))
    assert max(len(message.ids) for message in sent.messages) <= MOST_IDS


def test_what_comes_together_stays_together_in_one_message(sent: Sent) -> None:
    arrivals = Arrivals(RUN_BATCH, sent)
    parties = [range(7 * n, 7 * n + 7) for n in range(30)]

    for party in parties:
        arrivals.add(*party)

    wait_until(lambda: len(sent.ids) == 7 * 30, what="all of them")
    assert sorted(sent.ids) == list(range(7 * 30))
    assert all(len(message.ids) % 7 == 0 for message in sent.messages)
    assert max(len(message.ids) for message in sent.messages) <= MOST_IDS
    assert {message.task for message in sent.messages} == {RUN_BATCH}


def test_a_party_that_is_too_large_for_one_message_with_others_has_its_own(sent: Sent) -> None:
    arrivals = Arrivals(RUN_BATCH, sent)
    large = tuple(range(MOST_IDS + 1))

    arrivals.add(*large)

    assert sent.messages == [Message(RUN_BATCH, large)]


def test_a_send_that_fails_does_not_silence_those_that_follow() -> None:
    tries: list[Sequence[Message]] = []
    failed = Event()

    def fail(messages: Sequence[Message]) -> None:
        tries.append(messages)
        if len(tries) == RUSH + 1:
            failed.set()
            raise ValueError

    arrivals = Arrivals(DELIVER, fail)
    for delivery_id in range(RUSH + 1):
        arrivals.add(delivery_id)
    assert failed.wait(5), "the gathered one is sent by another thread"

    arrivals.add(99)

    wait_until(lambda: [Message(DELIVER, (99,))] in tries, what="the next one")
