"""What workers show of their settings to whoever asks has no password in it."""

from __future__ import annotations

import subprocess
import sys

from pipeline_engine.config import Settings
from pipeline_engine.dispatch.celery_app import make_celery

PASSWORD = "hunter2-of-the-tests"
ENVIRONMENT = {
    "DATABASE_URL": f"postgresql://somebody:{PASSWORD}@127.0.0.1/none",
    "REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:1/0",
    "PIPELINE_SECRET_KEY": f"key-{PASSWORD}",
    "PIPELINE_API_TOKEN": f"token-{PASSWORD}",
    "PIPELINE_SECRET__DEPLOY": PASSWORD,
}
FLOWER = """
import asyncio, base64, sys, urllib.error, urllib.request
from flower.command import flower  # as the celery command loads it, before the app
from pipeline_engine.worker import app
from flower.app import Flower
from tornado.options import options

options.basic_auth = ["admin:secret"]
page = Flower(capp=app, options=options, events=object())

async def status(path, **headers):
    from tornado.httpclient import AsyncHTTPClient
    answer = await AsyncHTTPClient().fetch(
        f"http://127.0.0.1:{port}{path}", headers=headers, raise_error=False)
    return answer.code

async def main():
    global port
    from tornado.httpserver import HTTPServer
    from tornado.netutil import bind_sockets
    sockets = bind_sockets(0, "127.0.0.1")
    port = sockets[0].getsockname()[1]
    HTTPServer(page).add_sockets(sockets)
    known = {"Authorization": "Basic " + base64.b64encode(b"admin:secret").decode()}
    print(await status("/metrics"), await status("/metrics", **known))

asyncio.run(main())
"""


def test_the_settings_of_a_worker_are_shown_without_passwords():
    with make_celery(Settings.from_env(ENVIRONMENT)) as app:
        shown = app.conf.table(with_defaults=True, censored=True)

    assert [name for name, value in shown.items() if PASSWORD in str(value)] == []


def test_flower_asks_for_its_password_before_it_shows_its_metrics():
    done = subprocess.run(
        [sys.executable, "-c", FLOWER],
        env=ENVIRONMENT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stdout.split() == ["401", "200"], done.stderr
