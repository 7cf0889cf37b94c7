"""Every row of the table, in its usual size, and what it has to reach."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from benchmarks import shapes
from benchmarks.ablation import Ablation
from benchmarks.bench import Row
from benchmarks.blocks import Blocks
from benchmarks.callbacks import CallbackAnswers, NextStep
from benchmarks.console import Pages
from benchmarks.crowds import Beside, slow_clients, waiting_clients
from benchmarks.fairness import Fair
from benchmarks.followers import following_clients
from benchmarks.growth import Growth
from benchmarks.installations import OneWorker
from benchmarks.installed.discovery import Discovery
from benchmarks.installed.listing import Listing
from benchmarks.judging import at_least, at_most
from benchmarks.memory import Memory
from benchmarks.messages import Messages
from benchmarks.parking import Parked
from benchmarks.rates import Rate
from benchmarks.recovery import Recovery
from benchmarks.schedules import Due
from benchmarks.shapes import Shape
from benchmarks.starting import StartAnswers

#: Shapes whose definition alone says what to do; what ``--profile`` can run in one process.
SHAPES: dict[str, Callable[[], Shape]] = {
    "wide": lambda: shapes.wide(1000),
    "layered": lambda: shapes.layered(20, 50, 3_000),
    "chain": lambda: shapes.chain(200),
    "fan-out": lambda: shapes.fan_out(400),
    "blocks": lambda: shapes.blocks(1000),
    "items": lambda: shapes.fan_out(3000),
    "blocking-chain": lambda: shapes.blocking_chain(40, Path(os.devnull)),
    "blocking-map-1": lambda: shapes.blocking_map(400, Path(os.devnull)),
}

ROWS: tuple[Row, ...] = (
    Rate(lambda _: shapes.wide(1000), "wide", at_least(5)),
    Rate(lambda _: shapes.wide_in_a_batch(1000), "wide-batch", at_least(1)),
    Rate(lambda _: shapes.layered(20, 50, 3_000), "layered", at_least(3)),
    Rate(lambda _: shapes.many(1000), "many", at_least(8)),
    Rate(lambda _: shapes.chain(200), "chain", at_least(3)),
    Rate(lambda _: shapes.fan_out(400), "fan-out", at_least(2)),
    Blocks(1000, at_most(1.5)),
    Rate(lambda bench: shapes.calls(400, bench.peer_url), "http", at_least(0.97)),
    OneWorker(
        Rate(lambda b: shapes.blocking_chain(40, b.ledger.path), "blocking-chain", at_least(2)),
        slots=1,
    ),
    OneWorker(
        Rate(lambda b: shapes.blocking_map(400, b.ledger.path), "blocking-map-1", at_least(1.5)),
        slots=1,
    ),
    OneWorker(
        Rate(lambda b: shapes.blocking_map(400, b.ledger.path), "blocking-map-16", at_least(1.5)),
        slots=16,
    ),
    CallbackAnswers(per_second=300, count=1200, target=at_most(1.5)),
    NextStep(count=60, target=at_most(1.3)),
    StartAnswers(per_second=20, count=60, target=at_most(3)),
    Beside(
        "slow-clients",
        "200 clients send half a request; health and callbacks beside them, 100 a second",
        slow_clients,
        size=200,
        count=200,
        per_second=100,
        target=at_most(2),
    ),
    Beside(
        "waiting-clients",
        "200 clients wait for an end; health and callbacks beside them, 100 a second",
        waiting_clients,
        size=200,
        count=200,
        per_second=100,
        target=at_most(2),
    ),
    Beside(
        "following-clients",
        "1,000 clients follow streams and 200 wait; health and callbacks beside them, 100 a second",
        following_clients,
        size=1200,
        count=400,
        per_second=100,
        target=at_most(100),
        is_ratio=False,
    ),
    Fair(count=8, per_second=2, cheap=60_000, blocking=3_000, target=at_most(2)),
    Messages(events=500, subscribers=50, hanging=5),
    Discovery(200, at_most(100)),
    Listing(actions=200, per_second=20, count=100, target=at_most(3)),
    Due(per_minute=100, seconds=60, many=10_000, at_once=5_000),
    Ablation(),
    Parked(10_000),
    Memory(most=500),
    Recovery(lease_seconds=5),
    Pages(steps=500, items=10_000, minutes=3),
    Growth(sizes=(100, 10_000, 100_000), together=10_000),
)
