"""The queues that steps travel on."""

from __future__ import annotations

from enum import StrEnum


class QueueName(StrEnum):
    """Which workers an action needs."""

    FAST = "fast"  #: returns at once
    IO = "io"  #: waits for the network
    CPU = "cpu"  #: computes, or runs code that has to be stopped by force
