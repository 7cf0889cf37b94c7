"""How the parts are, without a thread of Flask: the door answers when everybody else is busy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from pipeline_engine.services.health import Health, unknown

#: A finding is good for so long; an older one is given, too, while a newer one is on its way …
FRESH_SECONDS = 1.0
#: … but not if it is older than this.
STALE_SECONDS = 3.0
#: A look that takes longer has nothing good to tell.
PATIENCE_SECONDS = 3.0


log = structlog.get_logger(__name__)


class Lookout:
    """Looks when it is asked, in a thread of its own, at most once at a time."""

    def __init__(self, look: Callable[[], Health]) -> None:
        self._look = look
        self._thread = ThreadPoolExecutor(1, "lookout")
        self._found: Health | None = None
        self._found_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._began_at = 0.0

    async def finding(self) -> Health:
        """The newest finding; it does not wait for more than a moment."""
        now = asyncio.get_running_loop().time()
        age = now - self._found_at
        if self._found is not None and age <= FRESH_SECONDS:
            return self._found
        task = self._begin(now)
        if self._found is not None and age <= STALE_SECONDS:
            return self._found
        left = self._began_at + PATIENCE_SECONDS - now
        await asyncio.wait({task}, timeout=max(left, 0))
        if task.done() and self._found is not None:
            return self._found
        return unknown(f"no answer for {PATIENCE_SECONDS:g} s")

    def _begin(self, now: float) -> asyncio.Task[None]:
        if self._looking is None:
            self._began_at = now
            self._looking = asyncio.create_task(self._go_and_look())
        return self._looking

    async def _go_and_look(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._found = await loop.run_in_executor(self._thread, self._look)
        except Exception as error:  # whatever it was: who asks is told that nobody knows
            log.error("look_failed", exc_info=error)
            self._found = unknown("could not be looked at")
        finally:
            self._found_at = loop.time()
            self._looking = None

    def stop(self) -> None:
        """Look no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
