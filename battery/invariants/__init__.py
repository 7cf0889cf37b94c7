"""What must hold after every block of the battery, whatever was done to the installation."""

from __future__ import annotations

from sqlalchemy import NullPool, create_engine

from battery.evidence import Evidence, Finding
from battery.invariants.counters import uncountable
from battery.invariants.deliveries import mistreated_deliveries
from battery.invariants.effects import disordered_effects, wrong_effects
from battery.invariants.ends import unaccounted_ends
from battery.invariants.histories import differing_histories
from battery.invariants.history import broken_histories
from battery.invariants.invariant import Invariant
from battery.invariants.leaks import leaked_secrets
from battery.invariants.lost import lost_executions
from battery.invariants.mailbox import misused_letters
from battery.invariants.messages import untold_events
from battery.invariants.owners import deliveries_of_strangers
from battery.invariants.results import doubled_results
from battery.invariants.schedules import doubled_starts
from battery.invariants.service import leftovers
from battery.invariants.sweeps import late_sweeps
from battery.invariants.trees import broken_trees
from battery.invariants.triggers import wrong_firings
from battery.invariants.webhooks import wrong_starts
from pipeline_engine.storage.postgres.session import driver_url

__all__ = ["INVARIANTS", "check_all"]

INVARIANTS = (
    Invariant(
        "I1",
        "Every accepted execution has ended, or something will move each of its open steps.",
        lost_executions,
    ),
    Invariant(
        "I2",
        "A step has one result, written by the attempt that held it; attempts have no gaps.",
        doubled_results,
    ),
    Invariant(
        "I3",
        "An effect happened at least once where it may be repeated, and where it may not, at most"
        " once per attempt and never again after an unknown outcome.",
        wrong_effects,
    ),
    Invariant(
        "I4",
        "No action began before those of all its dependencies had ended.",
        disordered_effects,
    ),
    Invariant(
        "I5",
        "A delivery that was answered with 2xx is kept once and settled, a refused one nowhere.",
        mistreated_deliveries,
    ),
    Invariant(
        "I6",
        "The history tells of every move once, and nothing moves after its end.",
        broken_histories,
    ),
    Invariant(
        "I7",
        "What is to be started once is started once: an idempotency key has one execution, and a"
        " due time one row in the ledger, with the execution that it names.",
        doubled_starts,
    ),
    Invariant(
        "I8",
        "Redis holds no truth: every counter that decides can be counted again from rows.",
        uncountable,
    ),
    Invariant(
        "I9",
        "A secret is in no row, log, answer, page, Redis key or argument, in whatever form.",
        leaked_secrets,
    ),
    Invariant(
        "I10",
        "No answer was a 5xx but 503, and no process, connection or transaction is left over.",
        leftovers,
    ),
    Invariant(
        "I11",
        "Replaying a recorded history makes the recorded decisions.",
        differing_histories,
    ),
    Invariant(
        "I12",
        "Every attempt ended for one known reason, and its outcome is unknown only if its worker"
        " died.",
        unaccounted_ends,
    ),
    Invariant(
        "I13",
        "A letter is used up by a step that accepted it, or it is kept, given up or too late; and"
        " it is kept from nobody who waits.",
        misused_letters,
    ),
    Invariant(
        "I14",
        "Nobody's delivery moves a step of somebody else.",
        deliveries_of_strangers,
    ),
    Invariant(
        "I15",
        "No sweep comes late: it waits for no work of a user, and for no fault longer than that"
        " lasts.",
        late_sweeps,
    ),
    Invariant(
        "I16",
        "A cancel reaches all that was started below, and no tree outgrows its bound.",
        broken_trees,
    ),
    Invariant(
        "I17",
        "An event starts one execution at each trigger that takes it, and is lost at none.",
        wrong_firings,
    ),
    Invariant(
        "I18",
        "Whoever has subscribed was told of each event, under one id, in the order of its"
        " execution.",
        untold_events,
    ),
    Invariant(
        "I19",
        "What a webhook has accepted is started once, under the id that its sender was told, or a"
        " row says why not.",
        wrong_starts,
    ),
)


def check_all(evidence: Evidence) -> list[Finding]:
    """Check every invariant, all of them against one snapshot of the rows."""
    engine = create_engine(
        driver_url(evidence.database_url),
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
    )
    with engine.connect() as connection:
        return [invariant.check(connection, evidence) for invariant in INVARIANTS]
