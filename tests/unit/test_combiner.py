"""Threads that ask together are answered together, and nobody waits for one who is gone."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread, get_ident, main_thread
from typing import Any

import pytest
from support.waiting import wait_until

from pipeline_engine.scheduler.combining import MOST, Combiner, Unanswered


class Answers:
    """Doubles what is asked; the first call can be held up while others come."""

    def __init__(self) -> None:
        self.combiner = Combiner()
        self.calls: list[list[int]] = []
        self.leaders: list[int] = []
        self.entered = Event()
        self.go_on = Event()

    def ask(self, asked: int) -> int:
        return self.combiner.ask(asked, self._answer)

    def _answer(self, asked: Sequence[int]) -> list[int]:
        self.calls.append(list(asked))
        self.leaders.append(get_ident())
        self.entered.set()
        assert self.go_on.wait(20), "nobody lets the leader go on"
        if -1 in asked:
            raise ValueError(f"refused: {asked}")
        if -2 in asked:
            raise SystemExit
        return [2 * number for number in asked]

    @property
    def waiting(self) -> int:
        return len(self.combiner._waiting)

    def wait_for_waiting(self, count: int) -> None:
        wait_until(lambda: self.waiting == count, what=f"{count} that wait")


class Asker:
    """A thread that asks once, and keeps what it got."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.answer: Any = None
        self.error: BaseException | None = None
        self._call = call
        self.thread = Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.answer = self._call()
        except BaseException as error:  # noqa: BLE001 (what a thread raises, the test looks at)
            self.error = error

    def join(self) -> Asker:
        self.thread.join(20)
        assert not self.thread.is_alive(), "a thread waits for ever"
        return self


@pytest.fixture
def answers() -> Answers:
    return Answers()


@contextmanager
def held_up(answers: Answers, *asked: int, leader: int = 0) -> Iterator[list[Asker]]:
    """A leader at work, and others who come meanwhile in this order; it goes on after the block."""
    askers = [Asker(lambda: answers.ask(leader))]
    assert answers.entered.wait(20)
    for waiting, number in enumerate(asked, start=1):
        askers.append(Asker(lambda number=number: answers.ask(number)))
        answers.wait_for_waiting(waiting)
    try:
        yield askers
    finally:
        answers.go_on.set()
        for asker in askers:
            asker.join()


def test_a_thread_alone_is_answered_at_once_each_time(answers):
    answers.go_on.set()

    assert [answers.ask(1), answers.ask(2)] == [2, 4]
    assert answers.calls == [[1], [2]]


def test_who_comes_while_another_is_at_work_is_answered_together_with_those_who_came_too(answers):
    with held_up(answers, 1, 2, 3) as askers:
        pass

    assert answers.calls == [[0], [1, 2, 3]]
    assert [asker.answer for asker in askers] == [0, 2, 4, 6]


def test_the_first_who_waited_leads_next_so_that_no_thread_works_for_others_for_ever(answers):
    with held_up(answers, 1, 2) as askers:
        pass

    assert answers.leaders == [askers[0].thread.ident, askers[1].thread.ident]


def test_more_than_fit_into_one_answer_are_answered_one_batch_after_the_other(answers):
    asked = list(range(1, MOST + 3))

    with held_up(answers, *asked) as askers:
        pass

    assert answers.calls == [[0], asked[:MOST], asked[MOST:]]
    assert [asker.answer for asker in askers] == [0, *(2 * number for number in asked)]
    assert answers.leaders[2] == askers[MOST + 1].thread.ident


def test_an_error_reaches_all_who_were_answered_together_and_nobody_after_them(answers):
    with held_up(answers, 1, -1) as askers:
        pass
    after = answers.ask(5)

    assert [type(asker.error) for asker in askers] == [type(None), ValueError, ValueError]
    assert after == 10


def test_too_few_answers_are_an_error_and_not_somebody_elses_answer():
    with pytest.raises(ValueError, match="shorter"):
        Combiner().ask(1, lambda asked: [])


def test_the_end_of_the_thread_that_answers_is_not_the_end_of_the_others(answers):
    with held_up(answers, -2, 1) as askers:
        pass

    assert isinstance(askers[1].error, SystemExit)
    assert isinstance(askers[2].error, Unanswered)
    assert answers.ask(5) == 10


class TornAwayError(Exception):
    """What a time limit raises in the middle of anything."""


@contextmanager
def torn_away_when(condition: Callable[[], bool]) -> Iterator[None]:
    """Raise in the main thread, as a soft time limit does, as soon as the condition holds."""

    def tear(*_: Any) -> None:
        raise TornAwayError

    def wait_and_tear() -> None:
        wait_until(condition, what="the main thread waits")
        signal.pthread_kill(main_thread().ident, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, tear)
    try:
        thread = Thread(target=wait_and_tear, daemon=True)
        thread.start()
        with pytest.raises(TornAwayError):
            yield
        thread.join(20)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_thread_that_is_torn_away_while_it_waits_is_not_answered_and_blocks_nobody(answers):
    with held_up(answers, 1) as askers, torn_away_when(lambda: answers.waiting == 2):
        answers.ask(7)

    assert answers.calls == [[0], [1]]
    assert askers[1].answer == 2
    assert answers.ask(5) == 10


def test_a_thread_that_is_torn_away_as_the_first_in_line_leaves_the_lead_to_the_next(answers):
    with held_up(answers) as askers:
        with torn_away_when(lambda: answers.waiting == 1):
            answers.ask(7)
        askers.append(Asker(lambda: answers.ask(3)))
        answers.wait_for_waiting(1)

    assert answers.calls == [[0], [3]]
    assert askers[1].answer == 6
