"""Threads that want the same at the same time let one of them do it for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, TypeVar

A = TypeVar("A")
R = TypeVar("R")

#: So many are answered together at most.
MOST = 32


class Unanswered(RuntimeError):
    """Whoever was to answer was stopped, as a process is that ends; the rows know how far it came.

    Its own exception stays with it: the end of one thread is not the end of the others.
    """


@dataclass(slots=True, eq=False)
class _Request:
    asked: Any
    #: it is answered, or it is its own turn to lead
    moves: Event = field(default_factory=Event)
    leads: bool = False
    answer: Any = None
    error: BaseException | None = None


class Combiner:
    """Gathers what is asked for while an answer is being made, and has it answered together.

    Who comes when nobody is at work leads: it answers for all who wait, itself among them, and
    hands over to the next who has come meanwhile. Alone, a thread pays three locks for it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[_Request] = []
        self._is_led = False

    def ask(self, asked: A, answer: Callable[[Sequence[A]], Sequence[R]]) -> R:
        """Have *asked* answered, by this thread or another; raises what *answer* raised.

        All who ask one combiner bring the same *answer*, which must not ask it in turn.
        Raises ``Unanswered`` if the thread that was to answer was stopped.
        """
        request = _Request(asked)
        try:
            if not self._comes_first(request):
                request.moves.wait()
            if request.leads:
                self._lead(answer)
        finally:  # a time limit may tear a thread away while it waits, or just when it shall lead
            self._leave(request)
        if request.error is not None:
            raise request.error
        given: R = request.answer
        return given

    def _comes_first(self, request: _Request) -> bool:
        with self._lock:
            self._waiting.append(request)
            request.leads, self._is_led = not self._is_led, True
        return request.leads

    def _lead(self, answer: Callable[[Sequence[A]], Sequence[R]]) -> None:
        with self._lock:
            batch = self._waiting[:MOST]
            del self._waiting[:MOST]
        try:
            answers = answer([request.asked for request in batch])
            for request, given in zip(batch, answers, strict=True):
                request.answer = given
        except Exception as error:  # noqa: BLE001 (whoever waits must hear of it)
            _tell(batch, error)
        except BaseException:
            _tell(batch, Unanswered("The thread that was to answer for this one was stopped"))
            raise
        finally:
            for request in batch:
                request.moves.set()

    def _leave(self, request: _Request) -> None:
        """Go, and if it has led, or was about to, let the first of those who wait lead."""
        with self._lock:
            if request in self._waiting:
                self._waiting.remove(request)
            if not request.leads:
                return
            self._is_led = bool(self._waiting)
            heirs = self._waiting[:1]
            for heir in heirs:
                heir.leads = True
        for heir in heirs:
            heir.moves.set()


def _tell(batch: Sequence[_Request], error: Exception) -> None:
    for request in batch:
        request.error = error
