"""The ASGI door in front of Flask (docs/adr/0035): threads are for work, coroutines for waiting.

To read from the wire inwards: ``protocol`` (bytes become a request, or a problem), ``application``
(who answers it), ``threads`` and ``bridge`` (Flask), ``holding`` and ``waiting`` (answers that are
held back), ``streaming`` and ``followers`` (answers that go on), ``health``, ``answers`` (what is
sent).
"""

from __future__ import annotations

from .application import Behind, Door
from .serving import serve

__all__ = ["Behind", "Door", "serve"]
