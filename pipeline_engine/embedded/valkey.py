"""A real Valkey (the BSD-licensed Redis) on a loopback port with a password."""

from __future__ import annotations

import signal
import socket
from datetime import timedelta

from pipeline_engine.embedded.binaries import valkey_server
from pipeline_engine.embedded.credentials import write_private
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.ports import LOOPBACK
from pipeline_engine.embedded.privileges import open_folder
from pipeline_engine.embedded.programs import Program, Stage
from pipeline_engine.embedded.server import Server


def valkey(home: Home, *, password: str, port: int, durable: bool = True) -> Server:
    """Return the Valkey of this stack, with its configuration written."""
    folder = home.servers / "valkey"
    open_folder(home.servers)
    folder.mkdir(mode=0o700, exist_ok=True)
    configuration = home.servers / "valkey.conf"
    settings = _settings(password=password, port=port, durable=durable) | {"dir": f'"{folder}"'}
    write_private(configuration, "".join(f"{k} {v}\n" for k, v in settings.items()))
    if home.account:
        home.account.owns(folder)
        home.account.owns(configuration)
    program = Program(
        name="valkey",
        command=(str(valkey_server(home.account)), str(configuration)),
        environment={"LC_ALL": "C", "TZ": "UTC"},
        stage=Stage.SERVERS,
        speaks=False,
        account=home.account,
        directory=home.servers,
        stop_within=timedelta(seconds=10),
        orphan_signal=signal.SIGTERM,
    )
    url = f"redis://:{password}@{LOOPBACK}:{port}/0"
    return Server(program, "REDIS_URL", url, lambda: _answers(password, port))


def _settings(*, password: str, port: int, durable: bool) -> dict[str, str]:
    """Return the configuration; the password is not on the command line, where ``ps`` shows it."""
    return {
        "bind": LOOPBACK,
        "port": str(port),
        "requirepass": password,
        "databases": "64",
        "maxmemory-policy": "noeviction",  # a queue must refuse rather than forget
        "appendonly": "yes" if durable else "no",
        "appendfsync": "everysec",
        "save": '""',  # the append-only file is enough
        "daemonize": "no",
    }


def _answers(password: str, port: int) -> bool:
    """Tell whether it serves, which it does not while it loads its data.

    Asked in words: a client's library would stay in the memory of the supervisor for good.
    """
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answers = connection.makefile("rb")
            return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
    except OSError:
        return False
