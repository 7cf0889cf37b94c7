"""Redis: does it refuse rather than forget, and does anybody carry what lies in it?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from redis import RedisError

from pipeline_engine.services import inbox, presence
from pipeline_engine.services.doctor.checks import Check, Patient, Verdict, ill, well
from pipeline_engine.services.doctor.database import compare_clocks

OLDEST = (6, 2)  #: the oldest that speaks all commands that kombu and we use
LONG_QUEUE = 10_000
UNREADABLE = "unknown: this server does not tell"


def examine(patient: Patient) -> Iterator[Check]:
    """Look at Redis; if it is away, that is all there is to say."""
    try:
        patient.runtime.redis.ping()
        yield Check.of("redis", well("connected"))
        for name, look in CHECKS.items():
            yield Check.of(name, look(patient))
    except RedisError as error:
        todo = "Start Redis, or correct REDIS_URL. Work is kept in rows until it is back."
        yield Check.of("redis", ill(f"cannot be asked: {error}", todo))


def _info(patient: Patient, section: str) -> dict[str, Any]:
    found: Any = patient.runtime.redis.info(section)
    return dict(found)


def _version(patient: Patient) -> Verdict:
    info = _info(patient, "server")
    if "valkey_version" in info:
        return well(f"Valkey {info['valkey_version']}")
    version = str(info.get("redis_version", "0"))
    numbers = tuple(int(part) for part in version.split(".")[:2])
    if numbers < OLDEST:
        return ill(f"Redis {version}", "Use Redis 6.2 or newer, or Valkey.")
    return well(f"Redis {version}")


def _eviction(patient: Patient) -> Verdict:
    policy = _info(patient, "memory").get("maxmemory_policy", UNREADABLE)
    if policy in {"noeviction", UNREADABLE}:
        return well(f"maxmemory-policy {policy}")
    todo = "Set maxmemory-policy noeviction: a full Redis must refuse messages, not forget them."
    return ill(f"maxmemory-policy {policy}", todo)


def _persistence(patient: Patient) -> Verdict:
    """Rows rebuild everything in Redis, except callbacks that came while PostgreSQL was away."""
    info = _info(patient, "persistence")
    failed = [key for key in ("aof_last_write_status", "rdb_last_bgsave_status") if _bad(info, key)]
    if failed:
        return ill(f"{', '.join(failed)}: not ok", "Look at the disk of Redis.")
    if info.get("aof_enabled"):
        return well("append-only file")
    if snapshots := _snapshots(patient):
        return well(f"snapshots ({snapshots})")
    todo = "Set appendonly yes: callbacks that come while PostgreSQL is away are kept here only."
    return ill("none", todo)


def _bad(info: Mapping[str, Any], key: str) -> bool:
    return bool(info.get(key, "ok") != "ok")


def _snapshots(patient: Patient) -> str:
    try:
        found: Any = patient.runtime.redis.config_get("save")
    except RedisError:  # hosted ones forbid CONFIG, and look after persistence themselves
        return UNREADABLE
    return str(found.get("save") or "")


def _clock(patient: Patient) -> Verdict:
    before = time.time()
    there: Any = patient.runtime.redis.time()
    return compare_clocks(there[0] + there[1] / 1e6, before, time.time())


def _client(patient: Patient) -> Verdict:
    """redis-py repeats ten times by itself: an INCR whose answer was lost would count twice."""
    redis = patient.runtime.redis
    retry, timeout = redis.get_retry(), redis.get_connection_kwargs().get("socket_timeout")
    retries = retry.get_retries() if retry else 0
    says = f"{retries} repeats, socket timeout {timeout} s"
    if retries or not timeout:
        return ill(says, "Make clients by make_redis: no repeats, and a timeout.")
    return well(says)


# ── What is in it ────────────────────────────────────────────────────────────────────────


def _queues(patient: Patient) -> Verdict:
    lengths = presence.look(patient.runtime.redis, patient.runtime.settings.key_prefix).lengths
    says = ", ".join(f"{queue} {length}" for queue, length in lengths.items())
    long = [queue for queue, length in lengths.items() if length > LONG_QUEUE]
    if long:
        return ill(says, f"Add workers for {', '.join(long)}.")
    return well(says)


def _spool(patient: Patient) -> Verdict:
    waiting, refused = inbox.spooled(patient.runtime)
    says = f"{waiting} deliveries wait for the database, {refused} were refused by it"
    if refused:
        return ill(says, f"Look at the stream {inbox.refused_spool(patient.runtime)} in Redis.")
    if waiting > LONG_QUEUE:
        return ill(says, "Bring the database and the sweep back: they are drained by it.")
    return well(says)


def _sweep(patient: Patient) -> Verdict:
    settings = patient.runtime.settings
    silent = presence.look(patient.runtime.redis, settings.key_prefix).sweep_silent_for
    todo = "Start beat, and a worker for the queue 'system', which runs the sweep."
    if silent is None:
        return ill("no sweep has run lately", todo)
    says = f"ran {silent:.1f} s ago"
    if silent < settings.sweep_late_after:
        return well(says)
    return ill(f"{says}, it is late: time-outs, retries and dead workers wait", todo)


def _beat(patient: Patient) -> Verdict:
    """RedBeat lets one beat tick; the lock's owner is a random token, no name."""
    redis, key = (
        patient.runtime.redis,
        f"{patient.runtime.dispatch.app.conf.redbeat_key_prefix}:lock",
    )
    owner, left = str(redis.get(key) or ""), int(redis.pttl(key))
    if not owner:
        return ill("no beat holds the lock", "Start beat; the second of two waits, harmlessly.")
    if left < 0:
        return ill(f"{owner} holds the lock for ever", f"Delete the key {key}, and restart beat.")
    return well(f"{owner} holds the lock for another {left / 1000:.1f} s")


CHECKS: Mapping[str, Callable[[Patient], Verdict]] = {
    "redis_version": _version,
    "redis_eviction": _eviction,
    "redis_persistence": _persistence,
    "redis_clock": _clock,
    "redis_client": _client,
    "queues": _queues,
    "delivery_spool": _spool,
    "beat": _beat,
    "sweep": _sweep,
}
