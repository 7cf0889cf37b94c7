"""How workflows hear that executions have ended.

Whoever tells subscribers looks here, too, at each of its looks. The rows of runs that go on are
asked, for they say all that there is to know: an end cannot be missed, nor come twice, and one
whose execution was deleted is found as well. As long as no run goes on an empty index answers.
"""

from __future__ import annotations

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.guardrails import runs
from pipeline_engine.guardrails.settling import settle
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import guardrails

MOST = 50  #: workflows of one look


def follow(runtime: Runtime) -> int:
    """Move the workflows whose executions have ended; returns how many."""
    with runtime.engine.connect() as connection:
        found = guardrails.due(connection, most=MOST)
    for one in found:
        if one.is_open:  # whoever has cancelled the workflow has died before he said so
            runs.stop(runtime, SYSTEM, one.execution_id, one.owner, one.reason)
    return sum(settle(runtime, one.workflow_id, wait=False) for one in found if not one.is_open)
