"""The installation that is hurt: own servers behind proxies, web, three workers, and beat."""

from __future__ import annotations

import secrets
import signal
import time
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine, NullPool, create_engine

from battery import bugs, jobs
from battery.bugs import Bug
from battery.clock import Clock
from battery.evidence import Page
from battery.keeper import Keeper
from battery.ledger import Ledger
from battery.programs import COMMON, of_programs, programs, twins
from battery.proxy import Proxy
from pipeline_engine.cli.db import upgrade
from pipeline_engine.config import Settings
from pipeline_engine.dispatch.celery_app import make_celery
from pipeline_engine.embedded.credentials import Credentials
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.ports import LOOPBACK, free_port
from pipeline_engine.embedded.postgres import postgres
from pipeline_engine.embedded.server import RunningServer
from pipeline_engine.embedded.valkey import valkey
from pipeline_engine.failpoints import ARMED_BY_FILE
from pipeline_engine.storage.postgres.session import driver_url

GONE_WITHIN_SECONDS = 10.0  #: for what a killed server leaves behind
PLUGIN = Path(__file__).parent / "plugin"
LEASE = timedelta(seconds=2)
READY_WITHIN_SECONDS = 90.0
POLL_SECONDS = 0.05
POSTGRES, VALKEY = "postgres", "valkey"
FLOWER_USER = "battery"
FLOWER_PAGES = (
    "/api/workers?refresh=true",
    "/api/tasks?limit=1000",
    "/workers",
    "/tasks",
    "/broker",
    "/metrics",
)
API_PAGES = (
    "deliveries?page_size=100",
    "deliveries?disposition=pending&page_size=100",
    "executions?page_size=100",
    "pipelines",
    "actions",
)
WEB, BEAT, WORKERS = "web", "beat", ("worker-io", "worker-cpu", "worker-system")


def second(name: str) -> str:
    """What the second of two such programs is called."""
    return f"{name}-2"


class NotReady(Exception):
    """The installation did not come up; its logs say why."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must appear in no log and no table."""

    api_token: str
    secret_key: str
    canary: str  #: a secret of the installation
    flower: str  #: the password of Flower

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, and the secret that every pipeline is given."""
        return self.api_token, self.secret_key, self.canary, jobs.CANARY


@dataclass(frozen=True, slots=True)
class Flower:
    """Where Flower is, and the password that it asks for."""

    port: int
    password: str

    @property
    def pages(self) -> list[Page]:
        """What it shows of workers and tasks, by its API and to people."""
        key = b64encode(f"{FLOWER_USER}:{self.password}".encode()).decode()
        where = f"http://{LOOPBACK}:{self.port}"
        return [Page(where + path, {"Authorization": f"Basic {key}"}) for path in FLOWER_PAGES]


class Stack:
    """A whole installation, and everything that can be done to it."""

    def __init__(
        self,
        servers: Mapping[str, RunningServer],
        proxy: Proxy,
        keeper: Keeper,
        settings: Settings,
        folder: Path,
        known: Secrets,
        clock: Clock,
        flower: Flower,
    ) -> None:
        self.servers = servers
        self.proxy = proxy
        self.keeper = keeper
        self.settings = settings
        self.canary = known.canary
        self.canaries = known.all
        self.flower = flower
        self.clock = clock
        self.ledger = Ledger(folder / "ledger")
        self.letters = folder / "letters"
        self.armed = folder / "armed"
        self.celery = make_celery(settings)
        self.engine: Engine = create_engine(driver_url(self.database_url), poolclass=NullPool)

    @property
    def redis_url(self) -> str:
        """The Valkey itself, not through the proxy."""
        return self.servers[VALKEY].url

    @property
    def database_url(self) -> str:
        """PostgreSQL itself, not through the proxy."""
        return self.servers[POSTGRES].url

    @property
    def direct_settings(self) -> Settings:
        """What the processes are told, but for the proxies in front of the servers."""
        return replace(
            self.settings,
            database_url=self.database_url,
            redis_url=self.redis_url,
            failpoints=None,
        )

    @property
    def api(self) -> tuple[str, int]:
        """Host and port of the API."""
        host, _, port = self.settings.public_url.removeprefix("http://").partition(":")
        return host, int(port)

    @property
    def api_token(self) -> str:
        """A token that the API accepts."""
        return self.settings.api_tokens[0]

    @property
    def pages(self) -> list[Page]:
        """What is shown to somebody who has all tokens."""
        told = {"Authorization": f"Bearer {self.api_token}"}
        where = f"{self.settings.public_url}/api/v1"
        return [*(Page(f"{where}/{path}", told) for path in API_PAGES), *self.flower.pages]

    @property
    def logs(self) -> list[Path]:
        """The logs of our own processes."""
        return self.keeper.logs

    def redis(self) -> redis.Redis:
        """Open a client of Valkey itself, not through the proxy."""
        return redis.Redis.from_url(
            self.servers[VALKEY].url,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    def pids(self) -> list[int]:
        """Return the processes that are expected to live."""
        return [*self.keeper.pids(), self.proxy.pid, *(s.pid for s in self.servers.values())]

    # ── Hurting it ───────────────────────────────────────────────────────────────────────

    def kill(self, name: str) -> bool:
        """Kill a program's own process; its children die with it."""
        return _kill(self.keeper.family(name)[:1])

    def kill_child(self, name: str, choose: Callable[[list[Any]], Any]) -> bool:
        """Kill one child of a program, such as a pool process; False if it has none now."""
        children = self.keeper.family(name)[1:]
        return bool(children) and _kill([choose(children)])

    def crash(self, server: str) -> None:
        """Kill a server and all its processes, and start it again with what was on its disk."""
        one = self.servers[server]
        others = psutil.Process(one.pid).children(recursive=True)
        one.kill()
        # PostgreSQL does not start while one of them still has the memory that they shared.
        psutil.wait_procs(others, timeout=GONE_WITHIN_SECONDS)
        one.start()

    def flush(self) -> None:
        """Let Valkey forget everything."""
        with self.redis() as client:
            client.flushall()

    def spooled(self) -> int:
        """Return how many deliveries are in Valkey alone, since PostgreSQL was away."""
        with self.redis() as client:
            prefix = f"{self.settings.key_prefix}spool:"
            return sum(int(client.xlen(f"{prefix}{name}")) for name in ("deliveries", "webhooks"))

    def terminate_a_session(self, choose: Callable[[list[Any]], Any]) -> bool:
        """End one session of PostgreSQL; False if nobody was connected."""
        with self.engine.connect() as connection:
            query = (
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND pid <> pg_backend_pid() ORDER BY pid"
            )
            pids = list(connection.exec_driver_sql(query).scalars())
            if not pids:
                return False
            terminate = "SELECT pg_terminate_backend(%(pid)s)"
            return bool(connection.exec_driver_sql(terminate, {"pid": choose(pids)}).scalar_one())

    def freeze(self, name: str) -> list[psutil.Process]:
        """Stop a program and its children, and return them."""
        family = self.keeper.family(name)
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        return family

    def thaw(self, frozen: list[psutil.Process]) -> None:
        """Let stopped processes go on."""
        for process in frozen:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def frozen(self) -> list[psutil.Process]:
        """Return our processes that a SIGSTOP holds."""
        found = []
        for pid in self.keeper.pids():
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                if process.status() == psutil.STATUS_STOPPED:
                    found.append(process)
        return found

    # ── Whether it is well ───────────────────────────────────────────────────────────────

    def wait_until_ready(self) -> None:
        """Come back when web and all workers answer.  Raises ``NotReady``."""
        ends_at = time.monotonic() + READY_WITHIN_SECONDS
        while not (self._web_answers() and self._workers_answer()):
            if time.monotonic() > ends_at:
                raise NotReady(f"Not within {READY_WITHIN_SECONDS:g} s; see {self.logs[0].parent}")
            time.sleep(POLL_SECONDS)

    def _web_answers(self) -> bool:
        connection = HTTPConnection(*self.api, timeout=2)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _workers_answer(self) -> bool:
        # With a connection of its own: the last one may have been cut.
        with self.celery.connection_for_write() as connection, suppress(OSError, redis.RedisError):
            answers = self.celery.control.ping(timeout=1.0, connection=connection)
            return len(answers or ()) >= len(WORKERS)
        return False


def _kill(processes: list[psutil.Process]) -> bool:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
            return True
    return False


@contextmanager
def running_stack(
    folder: Path, *, bug: Bug | None = None, doubled: Collection[str] = ()
) -> Iterator[Stack]:
    """Start an installation of its own in *folder*, and take it away again afterwards.

    Of programs that are *doubled* it has two.
    """
    with ExitStack() as leaving:
        servers = _start_servers(folder / "servers", leaving)
        upgrade(servers[POSTGRES].url)
        proxy = leaving.enter_context(Proxy.start({n: s.url for n, s in servers.items()}))
        word, key, secret, other = (secrets.token_hex(16) for _ in range(4))
        known = Secrets(api_token=word, secret_key=key, canary=jobs.odd(secret), flower=other)
        told = _environment(folder, proxy, known) | ({bugs.VARIABLE: bug} if bug else {})
        settings, clock = Settings.from_env(told), Clock(folder / "clock")
        port = int(settings.public_url.rpartition(":")[2])
        flower = Flower(free_port(), known.flower)
        told |= clock.environment
        once = programs(told, port, flower.port)
        found = [*once, *(twin for name in doubled for twin in twins(once, name))]
        keeper = Keeper(found, folder / "logs", COMMON, of_programs(told))
        stack = Stack(servers, proxy, keeper, settings, folder, known, clock, flower)
        stack.armed.mkdir()
        if bug:
            with stack.engine.begin() as connection:
                bugs.plant_in_schema(bug, connection)
        leaving.callback(keeper.stop)
        keeper.start()
        stack.wait_until_ready()
        yield stack


def _start_servers(folder: Path, leaving: ExitStack) -> dict[str, RunningServer]:
    """Start a PostgreSQL that keeps what it commits, and a Valkey that keeps nothing."""
    home = Home.at(folder)
    leaving.callback(home.remove)
    known = Credentials.of(home.credentials)
    database = postgres(home, password=known.postgres_password, port=free_port())
    broker = valkey(home, password=known.valkey_password, port=free_port(), durable=False)
    started = {}
    for server in (database, broker):
        name = server.program.name
        started[name] = RunningServer(server, home.logs / f"{name}.log")
        leaving.callback(started[name].stop)
    return started


def _environment(folder: Path, proxy: Proxy, known: Secrets) -> dict[str, str]:
    return {
        "DATABASE_URL": proxy.addresses[POSTGRES],
        "REDIS_URL": proxy.addresses[VALKEY],
        "PIPELINE_API_TOKEN": known.api_token,
        "PIPELINE_SECRET_KEY": known.secret_key,
        "PIPELINE_SECRET__BATTERY": known.canary,
        "FLOWER_BASIC_AUTH": f"{FLOWER_USER}:{known.flower}",
        "PIPELINE_PUBLIC_URL": f"http://{LOOPBACK}:{free_port()}",
        "PIPELINE_LEASE_SECONDS": f"{LEASE.total_seconds():g}",
        "PIPELINE_REPUBLISH_AFTER_SECONDS": "1",
        "PIPELINE_SWEEP_INTERVAL_SECONDS": "0.5",
        # A step may lose many workers here before it counts as the cause of their deaths.
        "PIPELINE_MAX_LOST_ATTEMPTS": "25",
        # A subscriber listens here; a message that is lost with its sender is sent again soon.
        "PIPELINE_HTTP_ALLOWED_HOSTS": LOOPBACK,
        "PIPELINE_MESSAGE_TIMEOUT_SECONDS": "2",
        "PIPELINE_MESSAGE_BACKOFF_SECONDS": "0.1",
        "PIPELINE_MESSAGE_MAX_BACKOFF_SECONDS": "0.5",
        "PIPELINE_MESSAGE_TRIES": "100",
        "PE_FAILPOINTS": f"{ARMED_BY_FILE}{(folder / 'armed').resolve()}",
        "PE_BATTERY_LEDGER": str((folder / "ledger").resolve()),
        "PE_BATTERY_LETTERS": str((folder / "letters").resolve()),
        "PYTHONPATH": str(PLUGIN),
        "PIPELINE_TRUSTED_PACKAGES": "battery-pipeline-actions",
        "LOG_LEVEL": "INFO",
    }
