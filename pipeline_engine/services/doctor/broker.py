"""Redis: does it refuse rather than forget, and does anybody carry what lies in it?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from redis import RedisError

from pipeline_engine.services import inbox, presence
from pipeline_engine.services.doctor.checks import Check, Installation, Result, failed, ok
from pipeline_engine.services.doctor.database import compare_clocks
from pipeline_engine.services.webhooks import spooling

OLDEST = (6, 2)  #: the oldest that speaks all commands that kombu and we use
LONG_QUEUE = 10_000
UNREADABLE = "unknown: this server does not tell"


def run(installation: Installation) -> Iterator[Check]:
    """Look at Redis; if it is away, that is all there is to say."""
    try:
        installation.runtime.redis.ping()
        yield Check.of("redis", ok("connected"))
        for name, look in CHECKS.items():
            yield Check.of(name, look(installation))
    except RedisError as error:
        todo = "Start Redis, or correct REDIS_URL. Work is kept in rows until it is back."
        yield Check.of("redis", failed(f"cannot be asked: {error}", todo))


def _info(installation: Installation, section: str) -> dict[str, Any]:
    found: Any = installation.runtime.redis.info(section)
    return dict(found)


def _version(installation: Installation) -> Result:
    info = _info(installation, "server")
    if "valkey_version" in info:
        return ok(f"Valkey {info['valkey_version']}")
    version = str(info.get("redis_version", "0"))
    numbers = tuple(int(part) for part in version.split(".")[:2])
    if numbers < OLDEST:
        return failed(f"Redis {version}", "Use Redis 6.2 or newer, or Valkey.")
    return ok(f"Redis {version}")


def _eviction(installation: Installation) -> Result:
    policy = _info(installation, "memory").get("maxmemory_policy", UNREADABLE)
    if policy in {"noeviction", UNREADABLE}:
        return ok(f"maxmemory-policy {policy}")
    todo = "Set maxmemory-policy noeviction: a full Redis must refuse messages, not forget them."
    return failed(f"maxmemory-policy {policy}", todo)


def _persistence(installation: Installation) -> Result:
    """Rows rebuild everything in Redis, except callbacks that came while PostgreSQL was away."""
    info = _info(installation, "persistence")
    broken = [key for key in ("aof_last_write_status", "rdb_last_bgsave_status") if _bad(info, key)]
    if broken:
        return failed(f"{', '.join(broken)}: not ok", "Look at the disk of Redis.")
    if info.get("aof_enabled"):
        return ok("append-only file")
    if snapshots := _snapshots(installation):
        return ok(f"snapshots ({snapshots})")
    todo = "Set appendonly yes: callbacks that come while PostgreSQL is away are kept here only."
    return failed("none", todo)


def _bad(info: Mapping[str, Any], key: str) -> bool:
    return bool(info.get(key, "ok") != "ok")


def _snapshots(installation: Installation) -> str:
    try:
        found: Any = installation.runtime.redis.config_get("save")
    except RedisError:  # hosted ones forbid CONFIG, and look after persistence themselves
        return UNREADABLE
    return str(found.get("save") or "")


def _clock(installation: Installation) -> Result:
    before = time.time()
    there: Any = installation.runtime.redis.time()
    return compare_clocks(there[0] + there[1] / 1e6, before, time.time())


def _client(installation: Installation) -> Result:
    """A client without redis-py's ten retries: an INCR with a lost answer would count twice."""
    redis = installation.runtime.redis
    retry, timeout = redis.get_retry(), redis.get_connection_kwargs().get("socket_timeout")
    retries = retry.get_retries() if retry else 0
    says = f"{retries} repeats, socket timeout {timeout} s"
    if retries or not timeout:
        return failed(says, "Make clients by make_redis: no repeats, and a timeout.")
    return ok(says)


# ── What is in it ────────────────────────────────────────────────────────────────────────


def _queues(installation: Installation) -> Result:
    lengths = presence.look(
        installation.runtime.redis, installation.runtime.settings.key_prefix
    ).lengths
    says = ", ".join(f"{queue} {length}" for queue, length in lengths.items())
    long = [queue for queue, length in lengths.items() if length > LONG_QUEUE]
    if long:
        return failed(says, f"Add workers for {', '.join(long)}.")
    return ok(says)


def _spool(installation: Installation) -> Result:
    runtime = installation.runtime
    spools = (inbox.spool_of(runtime), spooling.spool_of(runtime))
    lengths = {spool.refused: spool.lengths() for spool in spools}
    waiting, refused = map(sum, zip(*lengths.values(), strict=True))
    says = f"{waiting} deliveries wait for the database, {refused} were refused by it"
    if refused:
        streams = " and ".join(name for name, (_, count) in lengths.items() if count)
        return failed(says, f"Look at the stream {streams} in Redis.")
    if waiting > LONG_QUEUE:
        return failed(says, "Bring the database and the sweep back: they are drained by it.")
    return ok(says)


def _sweep(installation: Installation) -> Result:
    settings = installation.runtime.settings
    silent = presence.look(installation.runtime.redis, settings.key_prefix).sweep_silent_for
    todo = "Start beat, and a worker for the queue 'system', which runs the sweep."
    if silent is None:
        return failed("no sweep has run lately", todo)
    says = f"ran {silent:.1f} s ago"
    if silent < settings.sweep_late_after:
        return ok(says)
    return failed(f"{says}, it is late: time-outs, retries and dead workers wait", todo)


def _beat(installation: Installation) -> Result:
    """RedBeat lets one beat tick; the lock's owner is a random token, no name."""
    redis, key = (
        installation.runtime.redis,
        f"{installation.runtime.dispatch.app.conf.redbeat_key_prefix}:lock",
    )
    owner, left = str(redis.get(key) or ""), int(redis.pttl(key))
    if not owner:
        return failed("no beat holds the lock", "Start beat; the second of two waits, harmlessly.")
    if left < 0:
        return failed(
            f"{owner} holds the lock for ever", f"Delete the key {key}, and restart beat."
        )
    return ok(f"{owner} holds the lock for another {left / 1000:.1f} s")


CHECKS: Mapping[str, Callable[[Installation], Result]] = {
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
