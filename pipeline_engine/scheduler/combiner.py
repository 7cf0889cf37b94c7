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


@dataclass(slots=True)
class _Request:
    asked: Any
    #: it is answered, or it is its own turn to lead
    moves: Event = field(default_factory=Event)
    is_answered: bool = False
    answer: Any = None
    error: BaseException | None = None


class Combiner:
    """Gathers what is asked for while an answer is being made, and has it answered together.

    Who comes when nobody is at work leads: it answers for all who wait, itself among them, and
    hands over to the next who has come meanwhile. Alone, a thread pays two locks for it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: list[_Request] = []
        self._is_led = False

    def ask(self, asked: A, answer: Callable[[Sequence[A]], Sequence[R]]) -> R:
        """Have *asked* answered, by this thread or another; raises what *answer* raised.

        All who ask one combiner bring the same *answer*.
        """
        request = _Request(asked)
        with self._lock:
            self._waiting.append(request)
            leads, self._is_led = not self._is_led, True
        if not leads:
            request.moves.wait()
        if not request.is_answered:
            self._lead(answer)
        if request.error is not None:
            raise request.error
        given: R = request.answer
        return given

    def _lead(self, answer: Callable[[Sequence[A]], Sequence[R]]) -> None:
        with self._lock:
            batch = self._waiting[:MOST]
            del self._waiting[:MOST]
        try:
            answers = answer([request.asked for request in batch])
            for request, given in zip(batch, answers, strict=True):
                request.answer = given
        except BaseException as error:  # noqa: BLE001 (whoever waits must hear of it)
            for request in batch:
                request.error = error
        for request in batch:
            request.is_answered = True
        self._hand_over(batch)

    def _hand_over(self, batch: Sequence[_Request]) -> None:
        """Wake who was answered, and let the first of those who came meanwhile lead."""
        with self._lock:
            woken = [*batch, *self._waiting[:1]]
            self._is_led = bool(self._waiting)
        for request in woken:
            request.moves.set()
