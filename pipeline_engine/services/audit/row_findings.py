"""Sentences for what the statements of ``storage/audit.py`` find."""

from __future__ import annotations

from dataclasses import asdict

from pipeline_engine.services.audit.findings import Disagreement, Finding
from pipeline_engine.storage.audit import Disagreeing

#: What is found and what is expected; the fields are those of ``Disagreeing``.
SENTENCES = {
    Disagreement.UNKNOWN_STEP: ("it has a row", "none: the definition has no such step"),
    Disagreement.NO_ROW: ("no row for {found}", "one row of its own"),
    Disagreement.END_NOT_TOLD: ("its row says {found}", "an event that tells of its end"),
    Disagreement.ROW_DIFFERS: (
        "its row says {column} {found}",
        "{column} {expected}, by its history",
    ),
    Disagreement.NEVER_RAN: ("its row has outputs", "none: no event tells that it ran"),
    Disagreement.STILL_HOLDS: (
        "its row says {found}, and holds {column}",
        "that what has ended holds nothing",
    ),
    Disagreement.TOO_MANY_AT_ONCE: (
        "it is number {found} at the key '{column}'",
        "{expected} at once, as its limit says",
    ),
    Disagreement.WRONG_COUNTER: (
        "its row says {column} {found}",
        "{column} {expected}, counted from the rows",
    ),
}


def worded(disagreeing: Disagreeing) -> Finding:
    """Say what was found and what was expected."""
    code = Disagreement(disagreeing.code)
    words = asdict(disagreeing)
    words["expected"] = disagreeing.expected or "nothing"
    found, expected = (sentence.format_map(words) for sentence in SENTENCES[code])
    return Finding(
        code=code,
        step_id=disagreeing.step_id,
        item_index=disagreeing.item_index,
        within=disagreeing.within,
        found=found,
        expected=expected,
    )
