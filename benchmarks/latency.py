"""Percentiles of how long something took, compared round by round."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.judging import Figure, Target, percentile, ratio_of
from benchmarks.rates import MILLI


def compared(
    percent: int,
    ours: Sequence[Sequence[float]],
    theirs: Sequence[Sequence[float]],
    target: Target | None = None,
    *,
    name: str = "",
) -> Figure:
    """Compare one percentile of two sides: the median of the rounds."""
    mine, other = ([MILLI * percentile(r, percent) for r in side] for side in (ours, theirs))
    return Figure(
        name=f"{name}p{percent}",
        value=ratio_of(mine, other),
        target=target,
        ours=median(mine),
        theirs=median(other),
        measured_in=" ms",
    )


def latencies(
    *, percents: Sequence[int], **sides: Sequence[Sequence[float]]
) -> dict[str, list[float]]:
    """Return the percentiles of every round, in milliseconds."""
    return {
        f"{side}_p{percent}_ms": [MILLI * percentile(found, percent) for found in rounds]
        for side, rounds in sides.items()
        for percent in percents
    }
