"""The keys of an issuer: asked for rarely, renewed in time, and kept while it is away.

Each ``process`` here is what one web process has: a ring of its own on the shared Redis. A turn
takes a fraction of its thirty seconds.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis as redis_client
from redis.backoff import NoBackoff
from redis.retry import Retry
from support.issuers import AUDIENCE, running_issuer
from support.local_service import Answer, LocalService, local_service
from support.waiting import wait_until

from pipeline_engine.demo.issuer.server import IssuerServer
from pipeline_engine.demo.issuer.signing import Mint, SigningKey
from pipeline_engine.domain.sealing import Sealer
from pipeline_engine.errors import IdentityUnavailable
from pipeline_engine.services.oidc import fetching
from pipeline_engine.services.oidc.claims import Rules
from pipeline_engine.services.oidc.fetching import IssuerAway, Source
from pipeline_engine.services.oidc.issuer import Issuer
from pipeline_engine.services.oidc.refusals import Reason, TokenRefused
from pipeline_engine.services.oidc.ring import Ages, KeyRing
from pipeline_engine.services.oidc.shared import SharedKeys

TURN = 0.3
SEALER = Sealer("key-of-the-tests-and-of-nothing-else")
KEYS, DISCOVERY = "/keys", fetching.DISCOVERY
Process = Callable[..., Issuer]


class Clock:
    """A clock of the wall that a test can set forward."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer() -> Iterator[IssuerServer]:
    with running_issuer() as server:
        yield server


@pytest.fixture
def process(redis: redis_client.Redis, clock: Clock) -> Iterator[Process]:
    """A way to make what a process has, for an issuer at a URL."""

    def make(url: str, *, sealer: Sealer = SEALER, turn: float = TURN, **more: Any) -> Issuer:
        within = more.pop("within", fetching.WITHIN_SECONDS)
        source = Source(url, more.pop("jwks_url", None), within_seconds=within)
        client = more.pop("client", redis)
        shared = SharedKeys(
            client, sealer, source, prefix="t:", kept_seconds=86_400, turn_seconds=turn
        )
        ring = KeyRing(
            source, shared, algorithms=("ES256", "RS256"), ages=Ages(), clock=clock, **more
        )
        return Issuer(Rules(issuer=url, audience=AUDIENCE), ring)

    yield make
    wait_until(lambda: not _asking(), what="nobody asks for keys any more")


def token(issuer: IssuerServer, key: SigningKey | None = None) -> str:
    return (key or issuer.mint.key).sign(issuer.mint.claims("u-1"))


def verdict(process: Issuer, text: str) -> str:
    """What becomes of a token: the subject, or why there is none."""
    try:
        return process.identify(text).subject
    except TokenRefused as error:
        return str(error.reason)
    except IdentityUnavailable as error:
        return error.code


def becomes(process: Issuer, text: str, wanted: str, within: float = 5.0) -> None:
    wait_until(lambda: verdict(process, text) == wanted, within=within, what=wanted)


AWAY = IdentityUnavailable.code


# ── How often the issuer is asked ────────────────────────────────────────────────────────


def test_the_processes_of_an_installation_ask_once(issuer: IssuerServer, process: Process) -> None:
    processes = [process(issuer.url) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: verdict(one, token(issuer)), processes))

    assert found == ["u-1"] * 4
    assert issuer.asked.count(KEYS) == 1


def test_a_flood_of_unknown_keys_asks_nobody_and_delays_nobody(
    issuer: IssuerServer, process: Process
) -> None:
    processes = [process(issuer.url, turn=30.0) for _ in range(4)]
    good = token(issuer)
    assert [verdict(one, good) for one in processes] == ["u-1"] * 4
    strange = SigningKey.new("strange", "ES256")
    waits = []

    def knock(number: int) -> str:
        forged = SigningKey(f"k-{number}", "ES256", strange.private)
        return verdict(processes[number % 4], token(issuer, forged))

    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(knock, range(500))
        for number in range(40):
            began_at = time.perf_counter()
            assert verdict(processes[number % 4], good) == "u-1"
            waits.append(time.perf_counter() - began_at)

    assert set(answers) == {Reason.UNKNOWN_KEY}
    assert issuer.asked.count(KEYS) == 1
    assert sorted(waits)[20] < 0.2


def test_a_new_key_is_believed_after_one_turn_and_an_old_one_as_long_as_it_is_published(
    issuer: IssuerServer, process: Process
) -> None:
    here, there = process(issuer.url), process(issuer.url)
    old = token(issuer)
    assert (verdict(here, old), verdict(there, old)) == ("u-1", "u-1")

    issuer.mint.rotate()

    becomes(here, token(issuer), "u-1")
    becomes(there, token(issuer), "u-1")
    assert (verdict(here, old), verdict(there, old)) == ("u-1", "u-1")


def test_a_withdrawn_key_is_refused_when_the_keys_are_no_longer_fresh(
    issuer: IssuerServer, process: Process, clock: Clock
) -> None:
    here = process(issuer.url, turn=0.01)
    old = token(issuer)
    assert verdict(here, old) == "u-1"
    issuer.mint.rotate()
    issuer.mint.withdraw()

    assert verdict(here, old) == "u-1"  # nobody has looked
    clock.ahead = Ages().fresh

    becomes(here, old, Reason.UNKNOWN_KEY)


def test_keys_are_renewed_before_they_are_old_and_nobody_waits_for_it(
    issuer: IssuerServer, process: Process, clock: Clock
) -> None:
    here = process(issuer.url, turn=0.01)
    assert verdict(here, token(issuer)) == "u-1"
    clock.ahead = 0.9 * Ages().fresh

    def is_renewed() -> bool:
        assert verdict(here, token(issuer)) == "u-1"
        return issuer.asked.count(KEYS) == 2

    wait_until(is_renewed, what="the keys were asked for again")


def test_a_new_process_takes_the_keys_of_the_others(issuer: IssuerServer, process: Process) -> None:
    assert verdict(process(issuer.url), token(issuer)) == "u-1"

    assert verdict(process(issuer.url), token(issuer)) == "u-1"
    assert issuer.asked.count(KEYS) == 1


def test_while_redis_is_away_each_process_asks_for_itself(
    issuer: IssuerServer, process: Process
) -> None:
    nowhere = redis_client.Redis(port=1, retry=Retry(NoBackoff(), 0))
    here = process(issuer.url, client=nowhere, turn=30.0)
    strange = token(issuer, SigningKey.new("strange", "ES256"))

    assert verdict(here, token(issuer)) == "u-1"
    assert [verdict(here, strange) for _ in range(5)] == [Reason.UNKNOWN_KEY] * 5
    assert issuer.asked.count(KEYS) == 1


# ── What Redis says is not believed without proof ────────────────────────────────────────


def test_who_writes_to_redis_does_not_become_whoever_they_like(
    issuer: IssuerServer, process: Process, redis: redis_client.Redis
) -> None:
    assert verdict(process(issuer.url, turn=30.0), token(issuer)) == "u-1"
    (name,) = redis.keys("t:oidc:*:keys")
    genuine = redis.get(name)
    evil = Mint(AUDIENCE, algorithm="ES256")
    forged = token(issuer, evil.key)

    for written in (f"[{evil.jwks()},{time.time()}]", "sealed:v1:00:AAAA", b"\xff", ""):
        redis.set(name, written)
        assert verdict(process(issuer.url), forged) == AWAY
    redis.set(name, genuine)
    assert verdict(process(issuer.url), forged) == Reason.UNKNOWN_KEY
    other = Sealer("a key that is not the installation's")
    assert verdict(process(issuer.url, sealer=other), token(issuer)) == AWAY


def test_the_keys_of_one_issuer_are_not_those_of_another(
    issuer: IssuerServer, process: Process, redis: redis_client.Redis
) -> None:
    with running_issuer() as other:
        here, there = process(issuer.url), process(other.url)
        assert (verdict(here, token(issuer)), verdict(there, token(other))) == ("u-1", "u-1")
        crossed = other.mint.key.sign(issuer.mint.claims("u-1"))
        first, second = redis.keys("t:oidc:*:keys")
        redis.mset({first: redis.get(second), second: redis.get(first)})

        assert verdict(here, crossed) == Reason.UNKNOWN_KEY
        assert verdict(process(issuer.url), crossed) in (AWAY, Reason.UNKNOWN_KEY)


# ── The issuer is away, or talks nonsense ────────────────────────────────────────────────


def test_the_last_keys_serve_for_a_day_while_the_issuer_is_away(
    process: Process, clock: Clock
) -> None:
    with running_issuer() as issuer:
        here = process(issuer.url, turn=0.01)
        assert verdict(here, token(issuer)) == "u-1"
    strange = token(issuer, SigningKey.new("strange", "ES256"))

    clock.ahead = 23 * 3600

    assert verdict(here, token(issuer)) == "u-1"
    becomes(here, strange, AWAY)  # it may be a new key of the issuer
    assert verdict(process(issuer.url), token(issuer)) == "u-1"  # also after a restart
    clock.ahead = 25 * 3600
    assert verdict(here, token(issuer)) == AWAY


def test_a_start_without_the_issuer_heals_by_itself(process: Process) -> None:
    with running_issuer() as issuer:
        mint, port = issuer.mint, issuer.server_port
    here = process(issuer.url)

    assert verdict(here, token(issuer)) == AWAY

    with running_issuer(port, mint):
        becomes(here, token(issuer), "u-1")


@pytest.fixture
def odd() -> Iterator[LocalService]:
    """An issuer that answers what it is told to."""
    with local_service() as service:
        yield service


def be_well(odd: LocalService, mint: Mint) -> None:
    mint.issuer = odd.url
    odd.answer(f"GET {DISCOVERY}", {"issuer": odd.url, "jwks_uri": f"{odd.url}/keys"})
    odd.answer("GET /keys", mint.jwks())


def asked(odd: LocalService) -> int:
    return sum(one.path == KEYS for one in odd.received)


BAD_KEYS = {
    "no keys": Answer(body={"keys": []}),
    "HTML": Answer(body=b"<html>Sign in</html>", headers={"Content-Type": "text/html"}),
    "a redirect": Answer(302, headers={"Location": "/elsewhere"}),
    "an error": Answer(500, {"keys": []}),
    "too much": Answer(body=b" " * (fetching.MOST_BYTES + 1)),
    "cut off": Answer(body=b'{"keys":[', missing=100),
    "nested": Answer(body=b'{"keys":' + b"[" * 9000),
    "doubled": Answer(body=b'{"keys":[],"keys":[{"kty":"oct","k":"eA"}]}'),
    "a list": Answer(body=[]),
    "a secret": Answer(body={"keys": [{"kty": "oct", "k": "eA", "kid": "k"}]}),
}


def test_a_bad_answer_never_replaces_good_keys(
    odd: LocalService, process: Process, clock: Clock
) -> None:
    mint = Mint(AUDIENCE, algorithm="ES256")
    be_well(odd, mint)
    here = process(odd.url, turn=0.05)
    good = mint.key.sign(mint.claims("u-1"))
    assert verdict(here, good) == "u-1"
    odd.answer("GET /elsewhere", Mint(AUDIENCE, algorithm="ES256").jwks())

    for what, answer in BAD_KEYS.items():
        odd.answers["GET", "/keys"] = answer
        clock.ahead += Ages().fresh
        seen = asked(odd)

        def is_digested(seen: int = seen) -> bool:
            assert verdict(here, good) == "u-1"
            return asked(odd) > seen + 1  # whoever asks again has read the first answer

        wait_until(is_digested, what=f"an answer with {what}")

    assert not [one for one in odd.received if one.path == "/elsewhere"]


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.test", "jwks_uri": "https://127.0.0.1:1/keys"},
        {"issuer": None, "jwks_uri": "https://127.0.0.1:1/keys"},
        {"jwks_uri": "http://keys.test/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 7},
        {"jwks_uri": "https://[::1"},
    ],
    ids=str,
)
def test_a_discovery_document_leads_to_its_own_issuers_keys(
    odd: LocalService, document: dict[str, Any]
) -> None:
    odd.answer(f"GET {DISCOVERY}", {"issuer": odd.url} | document)

    with pytest.raises(IssuerAway):
        Source(odd.url).jwks()


def test_a_key_url_needs_no_discovery(issuer: IssuerServer, process: Process) -> None:
    here = process(issuer.url, jwks_url=f"{issuer.url}/keys")

    assert verdict(here, token(issuer)) == "u-1"
    assert issuer.asked == [KEYS]


def test_nobody_calls_the_address_that_a_token_brings(
    issuer: IssuerServer, process: Process, odd: LocalService
) -> None:
    mine = SigningKey.new("mine", "ES256")
    here = process(issuer.url)

    for name in ("jku", "x5u"):
        forged = mine.sign(issuer.mint.claims("u-1"), **{name: f"{odd.url}/keys"})
        assert verdict(here, forged) == Reason.HEADER
    assert odd.received == []
    assert issuer.asked == []


def test_a_slow_issuer_holds_up_few_requests_and_none_for_long(
    process: Process,
) -> None:
    """Two requests wait, for two seconds at most; the others are told at once."""
    silent, mint = _Silent(), Mint(AUDIENCE, algorithm="ES256")
    with silent:
        mint.issuer = silent.url
        here = process(silent.url, turn=30.0, within=1.0, most_waiting=2, longest_wait=0.4)
        text = mint.key.sign(mint.claims("u-1"))

        def ask(_: int) -> tuple[str, float]:
            began_at = time.perf_counter()
            return verdict(here, text), time.perf_counter() - began_at

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(8)))

        assert {found for found, _ in answers} == {AWAY}
        assert max(took for _, took in answers) < 1.5
        assert sum(took > 0.3 for _, took in answers) <= 2


def test_while_the_issuer_is_slow_only_known_keys_can_be_judged(
    process: Process,
) -> None:
    with running_issuer() as issuer:
        here = process(issuer.url, turn=0.05, within=1.0, longest_wait=0.2)
        good = token(issuer)
        assert verdict(here, good) == "u-1"
    strange = token(issuer, SigningKey.new("strange", "ES256"))

    with _Silent(issuer.server_port):
        becomes(here, strange, AWAY)

        assert _asking()
        assert (verdict(here, strange), verdict(here, good)) == (AWAY, "u-1")


def _asking() -> bool:
    return any(thread.name == "oidc-keys" for thread in threading.enumerate())


class _Silent:
    """A server that takes calls and never answers."""

    def __init__(self, port: int = 0) -> None:
        self._port = port

    def __enter__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", self._port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._socket.close()
