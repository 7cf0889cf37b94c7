"""Executions and steps with the same key run one at a time, whoever dies."""

from __future__ import annotations

import json
import os
import signal
from itertools import pairwise

from support.observing import Ledger, Run, step

from pipeline_engine.client import Client


def test_after_a_death_the_next_attempt_has_the_place_and_then_the_next_in_line(
    client: Client, ledger: Ledger, key: str
) -> None:
    limit = {"concurrency": {"key": key}}
    work = step("work", "probe_work", ledger=str(ledger), seconds=1)
    runs = [
        Run.start(client, work, **limit),
        Run.start(client, {**work, **limit}),
        Run.start(client, work, **limit),
    ]
    runs[0].until(lambda _: ledger.count("started") == 1)

    os.kill(ledger.entries("started")[0]["pid"], signal.SIGKILL)
    for run in runs:
        run.ends_well(within=60)

    lines = [json.loads(line) for line in ledger.path.read_text().splitlines()]
    told = [(line["what"], line["key"]) for line in lines]
    assert ledger.count("finished") == 3
    # Between the first start and the end of a step nobody else begins.
    begun = [key for what, key in told if what == "started"]
    ended = [key for what, key in told if what == "finished"]
    assert list(dict.fromkeys(begun)) == ended
    assert all(
        later[1] == earlier[1] for earlier, later in pairwise(told) if later[0] == "finished"
    )
