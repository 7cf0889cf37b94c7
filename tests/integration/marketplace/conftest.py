"""A folder with a signed index, a web server in front of it, and an environment to install into."""

from __future__ import annotations

import functools
import http.server
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.packages import a_wheel, an_action, an_index

from pipeline_engine.marketplace.environment import Environment
from pipeline_engine.marketplace.format.signing import SigningKey
from pipeline_engine.marketplace.memory import Memory
from pipeline_engine.marketplace.publishing.folder import Folder
from pipeline_engine.setting_kinds import MarketplaceSource

KEY = SigningKey.generate()
NOW = datetime(2026, 1, 31, 10, tzinfo=UTC)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def offered() -> Iterator[Callable[[Path], str]]:
    """A way to offer a folder over HTTP; returns its address."""
    servers = []

    def offer(folder: Path) -> str:
        handler = functools.partial(_Quiet, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield offer
    for server in servers:
        server.shutdown()
        server.server_close()


@dataclass
class Market:
    """An index of Acme's, with its key, as one test has it."""

    folder: Path
    key: SigningKey

    @property
    def index(self) -> Path:
        return self.folder / "index.json"

    @property
    def publisher(self) -> Folder:
        return Folder(self.folder, self.key, timedelta(days=90))

    def publish(self, wheel: Path, *, now: datetime = NOW) -> None:
        self.publisher.publish(wheel, self.key, now=now, name="acme")

    def source(self, **changed: object) -> MarketplaceSource:
        given = {"name": "acme", "keys": (self.key.public,), "path": str(self.folder)}
        return MarketplaceSource(**{**given, **changed})  # type: ignore[arg-type]


@pytest.fixture
def market(tmp_path: Path) -> Market:
    """Two releases of one package and one of another; nobody has read what their actions say."""
    folder = tmp_path / "market"
    models = {"acme_models.py": an_action("acme_model_name")}
    points = "acme_model_name = acme_models:Action"
    wheels = [
        a_wheel(folder),
        a_wheel(folder, version="2.0.0"),
        a_wheel(folder, "acme-models", files=models, entry_points=points),
    ]
    (folder / "index.json").write_bytes(an_index(wheels, KEY, now=NOW, serial=3))
    return Market(folder, KEY)


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "state" / "marketplace.json")


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An empty environment of its own that sees the engine's."""
    return make_environment(tmp_path / "venv")


def make_environment(folder: Path) -> Environment:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    ours = sysconfig.get_path("purelib")
    (site / "engine.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    return Environment(str(python), site, (str(site), *sys.path))
