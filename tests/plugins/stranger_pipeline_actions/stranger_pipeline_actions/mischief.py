"""What no action should do."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    register_action,
)

SLEEPER = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]


@register_action(
    ActionMeta(
        type="stranger_misbehave",
        name="Misbehave",
        category="Strangers",
        description="Does what its param says.",
        cheap=True,
    )
)
class Misbehave(BaseActionExecutor):
    def execute(self, context: ActionContext) -> ActionResult:
        found = getattr(self, context.params["how"])(context.params)
        return ActionResult(success=True, outputs={"found": found})

    def on_event(self, context: Any) -> Any:
        time.sleep(600)

    def environment(self, params: dict[str, Any]) -> dict[str, str]:
        return dict(os.environ)

    def read(self, params: dict[str, Any]) -> str:
        return Path(params["path"]).read_text(errors="replace")[:1000]

    def write(self, params: dict[str, Any]) -> int:
        return Path(params["path"]).write_text("was here")

    def own_file(self, params: dict[str, Any]) -> str:
        Path("note").write_text("mine")
        return Path("note").read_text()

    def large_file(self, params: dict[str, Any]) -> int:
        return Path("large").write_bytes(bytes(params["bytes"]))

    def modules(self, params: dict[str, Any]) -> list[int]:
        return [os.getpid(), os.getppid()]

    def connect(self, params: dict[str, Any]) -> str:
        with socket.create_connection(("127.0.0.1", params["port"]), timeout=2):
            return "connected"

    def hog(self, params: dict[str, Any]) -> int:
        kept = [bytearray(16 * 1024 * 1024) for _ in range(200)]
        return len(kept)

    def loop(self, params: dict[str, Any]) -> None:
        while True:
            pass

    def crash(self, params: dict[str, Any]) -> None:
        os._exit(7)

    def kill(self, params: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def raise_oddly(self, params: dict[str, Any]) -> None:
        class Odd(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no words")

        raise Odd

    def leave_sleepers(self, params: dict[str, Any]) -> None:
        """One in the group, one in a session of its own, and one whose parent is gone."""
        for detached in (False, True):
            subprocess.Popen(SLEEPER, start_new_session=detached)
        if os.fork() == 0:
            subprocess.Popen(SLEEPER, start_new_session=True)
            os._exit(0)
        time.sleep(600)

    def shout(self, params: dict[str, Any]) -> int:
        for _ in range(2000):
            print("x" * 100)  # noqa: T201 - far more than is kept
        return 2000

    def answer_object(self, params: dict[str, Any]) -> Any:
        return object()

    def answer_much(self, params: dict[str, Any]) -> str:
        return "x" * (70 * 1024 * 1024)

    def garble(self, params: dict[str, Any]) -> None:
        """Write into the connection to the engine what is no message."""
        for handle in range(3, 4096):
            try:
                os.write(handle, b"\xff\xff\xff\xff nonsense")
            except OSError:
                continue
        time.sleep(600)
