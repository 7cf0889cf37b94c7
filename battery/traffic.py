"""The load: executions and deliveries, and an account of what the installation has accepted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import quote
from uuid import UUID

from battery import jobs
from battery.client import Answer, Api
from battery.evidence import SentDelivery
from battery.hooks import Hooks
from battery.jobs import Job, Waiting
from battery.stack import Stack
from pipeline_engine.config import Settings
from pipeline_engine.scheduler.actions.callback_tokens import read_token

EVENTS = "/api/v1/events"
CALLBACKS = "callbacks"
SOURCE = "battery"
WAVES = ("once", "doubled", "early", "shuffled")
QUOTING = frozenset({"early", "doubled"})  #: waves whose events quote a secret
STRANGER, STRANGE = "stranger", 10_000  #: an owner without executions, and what it tells
STRANGERS = 0.3  #: so many of those that wait hear of one
HEARD = 0.5  #: so many jobs are followed by an event that starts an execution
CLIENTS = 16
LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Started:
    """An execution that was accepted, and the job that it is for."""

    execution_id: UUID
    job: Job


class Traffic:
    """Starts jobs and answers what waits in them; all that it decides comes from its seed."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.api = Api(stack.api, stack.api_token)
        self.hooks = Hooks(self.api)
        self._canary = stack.canary
        self.started: list[Started] = []
        self.deliveries: list[SentDelivery] = []
        self._seed = Random(seed)
        self._clients = ThreadPoolExecutor(CLIENTS, thread_name_prefix="client")
        self._lives: list[Future[None]] = []
        self._lock = Lock()
        self._late_from = 0
        self._postman = _Postman(stack.letters, stack.settings, self)

    def store_child(self) -> None:
        """Store the pipeline that jobs of the shape ``nested`` run."""
        key = {"Idempotency-Key": jobs.CHILD}
        answer = self.api.insist("/api/v1/pipelines", {"dag": jobs.child()}, key)
        assert answer.status in (201, 409), answer

    def store_trigger(self) -> None:
        """Let events of one type start a pipeline."""
        document = jobs.heard()
        stored = self.api.insist("/api/v1/pipelines", {"dag": document})
        assert stored.status == 201, stored
        order = {
            "pipeline_id": stored.body["id"],
            "name": jobs.HEARD,
            "config": {"event_type": jobs.HEARD},
        }
        answer = self.api.insist("/api/v1/event-triggers", order)
        assert answer.status == 201, answer

    def subscribe(self, url: str) -> None:
        """Let somebody be told of all that happens to executions without a user."""
        target = {"type": "http", "url": url}
        answer = self.api.insist("/api/v1/subscriptions", {"target": target})
        assert answer.status == 201, answer

    def launch(self, make: Callable[[Random], Job] = jobs.a_job) -> None:
        """Let a client start a job of this kind and look after it."""
        chooser = Random(self._seed.getrandbits(64))
        self._lives.append(self._clients.submit(self._live, make(chooser), chooser))

    @property
    def waiting_clients(self) -> int:
        """How many jobs are not started, or not answered, yet."""
        return sum(not life.done() for life in self._lives)

    def finish(self) -> list[str]:
        """Wait until every client has done its part, and return what went wrong with them."""
        lives, self._lives = self._lives, []
        return [repr(error) for life in lives if (error := life.exception())]

    def close(self) -> None:
        """Send no more."""
        self._postman.stop()
        self._clients.shutdown(cancel_futures=True)

    def waves(self) -> Counter[str]:
        """Return how many deliveries of each wave were sent."""
        with self._lock:
            return Counter(sent.wave for sent in self.deliveries)

    # ── One client ───────────────────────────────────────────────────────────────────────

    def _live(self, job: Job, chooser: Random) -> None:
        plans = [_Plan.of(waiting, chooser) for waiting in job.waiting]
        for plan in plans:
            for number in plan.early:
                self.deliver(plan.waiting, number, wave=plan.wave)
        self.hooks.call(chooser)
        execution_id = self.start(job, key=f"{chooser.getrandbits(128):032x}")
        for _ in range(job.cancels):
            self.cancel(execution_id)
        for stranger in (one for one in job.waiting if chooser.random() < STRANGERS):
            self.pretend(stranger)
        for plan in plans:
            for number in plan.later:
                self.deliver(plan.waiting, number, wave=plan.wave)
        self._say_more(chooser)

    def _say_more(self, chooser: Random) -> None:
        """Send what the job did not ask for: something to disbelieve, and to start another by."""
        if chooser.random() < 0.2:
            self.forge(chooser)
        if chooser.random() < HEARD:
            self.tell(chooser)

    def start(self, job: Job, *, key: str) -> UUID:
        """Start an execution; asked again until it is accepted."""
        body = {"pipeline_definition": job.document, "params": {}}
        answer = self.api.insist("/api/v1/executions/run", body, {"Idempotency-Key": key})
        assert answer.is_accepted, answer
        execution_id = UUID(answer.body["execution_id"])
        with self._lock:
            self.started.append(Started(execution_id, job))
        return execution_id

    def cancel(self, execution_id: UUID) -> None:
        """Give up an execution; asked again, since its answer was lost, it may have ended."""
        answer = self.api.insist(f"/api/v1/executions/{execution_id}/cancel", {})
        assert answer.is_accepted or answer.status == 409, answer

    def deliver(self, waiting: Waiting, number: int, *, wave: str) -> Answer:
        """Send one event until it is accepted; those of some waves quote a secret."""
        key = f"{waiting.external_id}:{number}"
        told: dict[str, Any] = {"number": number}
        headers = {}
        if wave in QUOTING:
            told["note"] = f"as {self._canary} says"
            headers = {"X-Note": quote(self._canary), "User-Agent": quote(self._canary)}
        answer = self.api.insist(EVENTS, _event(waiting, key, told), headers)
        self._note(SentDelivery(SOURCE, key, waiting.external_id, *_fate(answer), wave))
        return answer

    def pretend(self, waiting: Waiting) -> Answer:
        """Send an event with the key of somebody else's step, for an owner of our own."""
        key = f"{waiting.external_id}:of-a-stranger"
        event = _event(waiting, key, {"number": STRANGE})
        answer = self.api.insist(EVENTS, event, {"X-User-ID": STRANGER})
        # Nobody of that name waits for it: it is kept, and changes nothing.
        self._note(SentDelivery(SOURCE, key, "", *_fate(answer), "strange"))
        return answer

    def tell(self, chooser: Random) -> None:
        """Send an event that starts an execution, sometimes twice: it starts one."""
        key = f"{jobs.HEARD}-{chooser.getrandbits(64):x}"
        body = {"specversion": "1.0", "id": key, "source": SOURCE, "type": jobs.HEARD}
        for _ in range(chooser.randint(1, 2)):
            answer = self.api.insist(EVENTS, body | {"data": {"key": key}})
            self._note(SentDelivery(SOURCE, key, "", *_fate(answer), jobs.HEARD))

    def call_back(self, url: str, key: str, *, wave: str) -> None:
        """Answer a step at the URL that it has told us."""
        path = "/api/v1/callbacks/" + url.rpartition("/")[2]
        answer = self.api.insist(path, {"id": key, "number": 1})
        self._note(SentDelivery(CALLBACKS, key, "", *_fate(answer), wave))

    def forge(self, chooser: Random) -> None:
        """Send what must not be believed: a wrong token, or a URL that was made up."""
        external_id, key = f"forged-{chooser.getrandbits(64):x}", f"{chooser.getrandbits(64):x}"
        if chooser.random() < 0.5:
            body = {"specversion": "1.0", "id": key, "source": SOURCE, "type": "news"}
            told = body | {"data": {"workflow_id": external_id, "number": 1}}
            answer = self.api.send(EVENTS, told, token=f"{chooser.getrandbits(128):032x}")
            source = SOURCE
        else:
            token = f"eyJhbGciOiJIUzI1NiJ9.{external_id}.{key}"
            answer = self.api.send(f"/api/v1/callbacks/{token}", {"id": key, "number": 1})
            source = CALLBACKS
        self._note(SentDelivery(source, key, external_id, *_fate(answer), "forged"))

    def deliver_too_late(self) -> None:
        """Send an event more to every step that has ended since this was done last."""
        ended, self._late_from = self.started[self._late_from :], len(self.started)
        for waiting in (waiting for one in ended for waiting in one.job.waiting):
            self.deliver(waiting, waiting.wanted + 1, wave="late")

    def _note(self, sent: SentDelivery) -> None:
        with self._lock:
            self.deliveries.append(sent)


@dataclass(frozen=True, slots=True)
class _Plan:
    """In which order, and how often, the events of a waiting step are sent."""

    waiting: Waiting
    wave: str
    early: Sequence[int]
    later: Sequence[int]

    @classmethod
    def of(cls, waiting: Waiting, chooser: Random) -> _Plan:
        wave = chooser.choice(WAVES)
        numbers = list(range(1, waiting.wanted + 1))
        match wave:
            case "early":
                return cls(waiting, wave, numbers, [])
            case "doubled":
                doubled = numbers + numbers
                return cls(waiting, wave, [], doubled)
            case "shuffled":
                chooser.shuffle(numbers)
        return cls(waiting, wave, [], numbers)


class _Postman:
    """Reads the letters of steps that have told us their URL, and calls it, sometimes twice."""

    def __init__(self, letters: Path, settings: Settings, traffic: Traffic) -> None:
        self._letters = letters
        self._settings = settings
        self._traffic = traffic
        self._stopping = Event()
        self._read = 0
        self._thread = Thread(target=self._work, name="postman", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_SECONDS):
            for url in self._new_letters():
                target = read_token(self._settings, url.rpartition("/")[2])
                key = f"{target.step_execution_id}-{target.attempt}"
                times = 1 + target.step_execution_id % 2
                for _ in range(times):
                    wave = "doubled" if times > 1 else "once"
                    self._traffic.call_back(url, key, wave=wave)

    def _new_letters(self) -> Iterator[str]:
        if not self._letters.exists():
            return
        lines = self._letters.read_text().splitlines()
        unread, self._read = lines[self._read :], len(lines)
        yield from (str(json.loads(line)["url"]) for line in unread)


def _event(waiting: Waiting, key: str, told: dict[str, Any]) -> dict[str, Any]:
    data = {"workflow_id": waiting.external_id, **told}
    return {"specversion": "1.0", "id": key, "source": SOURCE, "type": "news", "data": data}


def _fate(answer: Answer) -> tuple[bool, Any]:
    return answer.is_accepted, answer.status
