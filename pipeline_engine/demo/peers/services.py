"""All stand-ins together: what they have, what they do in the background, how they misbehave."""

from __future__ import annotations

import random
import threading
import time
from http import HTTPStatus
from typing import Any

from pipeline_engine.demo.peers.behaviour import Behaviour
from pipeline_engine.demo.peers.calls import Answer, Call, refusal, unusable
from pipeline_engine.demo.peers.jobs import Job, JobKind, Journal
from pipeline_engine.demo.peers.letters import is_early, letters
from pipeline_engine.demo.peers.postman import Postman
from pipeline_engine.demo.peers.world import World

#: Between two looks whether a call that waits is to wait any longer.
LOOK_SECONDS = 0.02


class Services:
    """They share one world, one journal and one postman."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.journal = Journal()
        self.world = World()
        self.behaviour = behaviour
        self._postman = Postman(self.journal)
        self._stopping = threading.Event()
        self._postman.obey(behaviour)
        self._postman.start()

    def stop(self) -> None:
        """Answer what still waits, and send nothing more."""
        self._stopping.set()
        self._postman.stop()

    def obey(self, behaviour: Behaviour) -> None:
        """Behave so from now on."""
        self.behaviour = behaviour
        self._postman.obey(behaviour)

    def meant_to_fail(self, call: Call) -> Answer | None:
        """Return the answer of a route that is told to do nothing; None if it is not."""
        for beginning, status in self.behaviour.errors.items():
            if call.begins(beginning):
                return refusal(HTTPStatus(status), f"{call.path} is out of order")
        return None

    def hangs_up(self, call: Call) -> bool:
        """Tell whether this call is done, and never answered."""
        return any(map(call.begins, self.behaviour.hangs_up))

    def delay(self, call: Call) -> None:
        """Wait until a call that is done may be answered, as the switches are by then."""
        began = time.monotonic()
        while time.monotonic() - began < self._delay_of(call):
            if self._stopping.wait(LOOK_SECONDS):
                return

    def _delay_of(self, call: Call) -> float:
        delays = self.behaviour.delays.items()
        return max((secs for start, secs in delays if call.begins(start)), default=0.0)

    def key(self, call: Call) -> str | None:
        """Return the idempotency key of a call, if those mean anything."""
        return None if self.behaviour.forgets_keys else call.key

    def started(self, kind: JobKind, call: Call, subject: Any, **facts: Any) -> Job | Answer:
        """Start a job, or find the one that this key has started; the refusal if it may not."""
        behaviour = self.behaviour
        if not subject:
            return unusable("What the job is about is required")
        if self.journal.refuse(str(subject), times=behaviour.refusals.get(str(subject), 0)):
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "No capacity at the moment")
        job, is_new = self.journal.start(kind, key=self.key(call), subject=str(subject), **facts)
        if is_new:
            self._announce(job, behaviour)
        self._stopping.wait(_answer_delay(job, behaviour))
        return job

    def _announce(self, job: Job, behaviour: Behaviour) -> None:
        """Hand the events of a job to the postman; some overtake the answer."""
        planned = letters(job, behaviour)
        if is_early(job, behaviour):
            planned = [
                letter
                for letter in planned
                if not (letter.ends and self._postman.deliver(letter, early=True))
            ]
        self._postman.post(planned)


def _answer_delay(job: Job, behaviour: Behaviour) -> float:
    rng = random.Random(f"answer:{behaviour.seed}:{job.number}:{job.calls}")
    usual = rng.uniform(*behaviour.answer_delay)
    return behaviour.slow_answers.get(job.subject, usual) if job.calls == 1 else usual
