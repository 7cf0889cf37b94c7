"""Rows that come in are announced at once, and in a rush a few by one message."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event, Thread

import pytest
from support.waiting import wait_until

from pipeline_engine.dispatch.coalescing import MOST_IDS, RUSH, Coalescer
from pipeline_engine.dispatch.messages import DELIVER, RUN_BATCH, Message


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


class HeldUp(Sent):
    """A broker that takes no message before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked, self._may_go_on = Event(), Event()

    def __call__(self, messages: Sequence[Message]) -> None:
        self.is_asked.set()
        assert self._may_go_on.wait(5), "the test goes on while the broker hangs"
        super().__call__(messages)

    def let_go(self) -> None:
        self._may_go_on.set()


def test_a_lone_delivery_is_announced_at_once(sent: Sent) -> None:
    arrivals = Coalescer(DELIVER, sent)

    for delivery_id in range(RUSH):
        arrivals.add(delivery_id)
        wait_until(lambda: delivery_id in sent.ids, what="its message")  # noqa: B023

    assert sent.messages == [Message(DELIVER, (delivery_id,)) for delivery_id in range(RUSH)]


def test_whoever_brings_a_delivery_does_not_wait_for_the_broker() -> None:
    sent = HeldUp()
    arrivals = Coalescer(DELIVER, sent)

    arrivals.add(1)

    assert sent.ids == []
    sent.let_go()
    wait_until(lambda: sent.ids == [1], what="its message")


def test_a_message_announces_all_that_came_while_the_last_one_was_sent() -> None:
    sent = HeldUp()
    arrivals = Coalescer(DELIVER, sent)
    arrivals.add(1)
    assert sent.is_asked.wait(5)

    for delivery_id in (10, 11, 12):
        arrivals.add(delivery_id)
    sent.let_go()

    wait_until(lambda: len(sent.ids) == 4, what="all of them")
    assert sent.messages[1:] == [Message(DELIVER, (10, 11, 12))]


def test_in_a_rush_deliveries_are_gathered(sent: Sent) -> None:
    arrivals = Coalescer(DELIVER, sent)

    for delivery_id in range(40):
        arrivals.add(delivery_id)

    wait_until(lambda: len(sent.ids) == 40, what="all of them")
    assert len(sent.messages) < 20


def test_each_delivery_is_announced_once_however_many_bring_them(sent: Sent) -> None:
    arrivals = Coalescer(DELIVER, sent)
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
    arrivals = Coalescer(RUN_BATCH, sent)
    parties = [range(7 * n, 7 * n + 7) for n in range(30)]

    for party in parties:
        arrivals.add(*party)

    wait_until(lambda: len(sent.ids) == 7 * 30, what="all of them")
    assert sorted(sent.ids) == list(range(7 * 30))
    assert all(len(message.ids) % 7 == 0 for message in sent.messages)
    assert max(len(message.ids) for message in sent.messages) <= MOST_IDS
    assert {message.task for message in sent.messages} == {RUN_BATCH}


def test_a_party_that_is_too_large_for_one_message_with_others_has_its_own(sent: Sent) -> None:
    arrivals = Coalescer(RUN_BATCH, sent)
    large = tuple(range(MOST_IDS + 1))

    arrivals.add(*large)

    wait_until(lambda: sent.messages == [Message(RUN_BATCH, large)], what="its message")


def test_a_send_that_fails_does_not_silence_those_that_follow() -> None:
    tries: list[Sequence[Message]] = []

    def fail_once(messages: Sequence[Message]) -> None:
        tries.append(messages)
        if len(tries) == 1:
            raise ValueError

    arrivals = Coalescer(DELIVER, fail_once)
    arrivals.add(1)
    wait_until(lambda: tries, what="the first try")

    arrivals.add(2)

    wait_until(lambda: [Message(DELIVER, (2,))] in tries, what="the next one")
