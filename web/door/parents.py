"""A web process ends with the process that started it: nobody else would start it again."""

from __future__ import annotations

import asyncio
import os
import signal
from multiprocessing import parent_process


def leave_with_parent() -> None:
    """Stop, as for SIGTERM, when the parent has died; nothing to do in a lonely process."""
    parent = parent_process()
    if parent is None:
        return
    loop = asyncio.get_running_loop()

    def leave() -> None:
        loop.remove_reader(parent.sentinel)
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(parent.sentinel, leave)
