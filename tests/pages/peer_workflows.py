"""docs/reference/peer-workflows.md: what people write for other engines, and what it is here.

The lines of ours are counted from the definitions of docs/howto/common-workflows.md, which tests
run; a row appears as soon as its definitions stand there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import markdown

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "common-workflows.md"
HEADER = "Row | Source | Shows | Theirs | Ours | Definition | Verdict | Said with"
HEADING_OR_BLOCK = re.compile(r"^## (?P<heading>[^\n]+)$|^```json\n(?P<block>.*?)^```", re.M | re.S)
NO_ANCHOR = re.compile(r"[^\w\- ]")

INTRODUCTION = """\
# Workflows of its peers

Published examples of other engines, written anew for this one, in words and definitions of its own.
Each is run by a test.
*Theirs* counts the lines of the published example without blanks and comments, *ours* those of the definition as JSON indented by two, with its steps in brackets: so a list of one name takes three lines.
*Direct* means that it needs no detour: no pipeline that is there for this alone, no step that only carries state, no param that means something else. The last column has what says it.

This page is made from [the definitions](../howto/common-workflows.md): `make pages` writes it anew.
"""


@dataclass(frozen=True)
class Peer:
    """A published example, and the definitions that say the same."""

    number: int
    source: str
    shows: str
    theirs: str  #: lines of each example
    ours: tuple[str, ...]  #: names of definitions, in the order of the examples
    said_with: str
    verdict: str = "direct"


PEERS = (
    Peer(1, "aws-samples saga-pattern-sam", "a saga: undo in reverse order, with retries", "269",
         ("order",), "`compensate` with `retry` and `when_failed`"),
    Peer(2, "aws-samples either-or-parallel-pattern", "a race of two pollers and a clock", "163",
         ("either-of-two",), "`one_done`, `cancel_rest`, `until`"),
    Peer(3, "aws-samples quorum-with-parallel-pattern", "k of n, k from the input", "502",
         ("quorum",), "`at_least` by template, `cancel_rest`"),
    Peer(4, "aws-samples pagination-loop", "follow the next token, collect the pages", "41",
         ("all-pages",), "`while` with `carry` and `collect`"),
    Peer(5, "aws-samples shared-fallback-state-jsonata", "retry, then one fallback for all", "116",
         ("shared-fallback",), "`retry` beside `catch` with `next`"),
    Peer(6, "aws-samples app-control-concurrency; argo synchronization-mutex-wf;"
         " kestra flow-concurrency-queue", "one at a time, across executions", "249, 15, 9",
         ("one-at-a-time",), "`concurrency`"),
    Peer(7, "aws-samples parallel-human-approval", "approvals side by side, the first no ends all",
         "77", ("approvals",), "`for_each`, `callback_url`"),
    Peer(8, "argo dag-enhanced-depends", "boolean dependencies", "44",
         ("boolean-dependencies",), "`trigger_rule`, `condition`"),
    Peer(9, "argo parallelism-nested", "a sequential loop inside of a parallel one", "57",
         ("nested-loops",), "a block with `for_each`"),
    Peer(10, "argo recursive-for-loop", "recursion with a bound", "49",
         ("count-up",), "`run_pipeline`, `condition`"),
    Peer(11, "argo fibonacci-seq-conditional-param", "double recursion", "122",
         ("fibonacci",), "`run_pipeline` twice"),
    Peer(12, "argo exit-handlers", "an exit handler by outcome", "40",
         ("exit-handlers",), "`on_success`, `on_failure`, `finally`"),
    Peer(13, "argo parameter-aggregation", "collect, filter, fan out again", "84",
         ("aggregate",), "`for_each` over results"),
    Peer(14, "conductor do_while_wait_switch_iteration", "a loop of several steps and a choice",
         "239", ("loop-of-steps",), "a block with `while`"),
    Peer(15, "conductor http-poll-external-job", "poll until terminal, then route", "90",
         ("outside-job",), "`until`, `tolerated_failures`, `condition`"),
    Peer(16, "conductor kitchensink, dyn_fork_test", "a dynamic fork of different tasks", "81",
         ("fork-by-kind",), "blocks with `for_each` and `condition`"),
    Peer(17, "conductor conditional_flow_with_switch", "a choice inside of a choice", "226",
         ("nested-choice",), "`conditional` twice"),
    Peer(18, "kestra allow-failure", "a part with its own error branch", "45",
         ("part-that-may-fail",), "a block with `catch`, `one_failed`"),
    Peer(19, "kestra retry-flowable", "retry a whole part", "12",
         ("retry-together",), "a block with `retry`"),
    Peer(20, "kestra for-each-item", "batches of rows", "19",
         ("batches",), "`for_each` over `batch`"),
    Peer(21, "kestra inputs; director SIMPLE_SCHEMA", "validated inputs", "147",
         ("sign-up",), "limits of parameters"),
    Peer(22, "serverlessworkflow try-catch-then", "catch a 404 only", "39",
         ("find-or-create",), "`catch` by code, `next`"),
    Peer(23, "serverlessworkflow listen-to-any-until-condition", "collect n events", "11",
         ("fever",), "`count`, `condition` over `event`"),
    Peer(24, "serverlessworkflow accumulate-room-readings, listen-to-all",
         "events that belong together, in a loop, and a report", "44",
         ("room-report",), "`event_keys`, `wait_for: all`, `collect`"),
    Peer(25, "airflow setup_teardown, branch_operator, short_circuit, dynamic mapping",
         "teardown; branch and join; skipping on; mapping", "25, ~30, ~25, ~14",
         ("set-up-and-tear-down", "branch-and-join", "short-circuit", "map-and-sum"),
         "`always`; `conditional`; a branch; `for_each`"),
    Peer(26, "celery-director group and hooks", "a group with hooks for success and failure",
         "~12", ("group-with-hooks",), "`on_success`, `on_failure`"),
)  # fmt: skip


@dataclass(frozen=True)
class Ours:
    """A definition of the how-to, and the heading above it."""

    heading: str
    document: Mapping[str, Any]

    @property
    def lines(self) -> int:
        """Lines of its JSON, indented by two."""
        return json.dumps(self.document, indent=2).count("\n") + 1

    @property
    def link(self) -> str:
        """Where it stands, as a link."""
        anchor = NO_ANCHOR.sub("", self.heading.lower()).replace(" ", "-")
        return f"[{self.document['name']}](../howto/common-workflows.md#{anchor})"


def definitions() -> dict[str, Ours]:
    """The definitions of the how-to, by their names."""
    found, heading = {}, ""
    for match in HEADING_OR_BLOCK.finditer(HOWTO.read_text(encoding="utf-8")):
        heading = match["heading"] or heading
        if match["block"]:
            ours = Ours(heading, json.loads(match["block"]))
            found[ours.document["name"]] = ours
    return found


def page() -> str:
    """The whole page."""
    rows = markdown.table(HEADER, _rows())
    return f"{INTRODUCTION}\n{rows}\n"


def _rows() -> Iterator[tuple[str, ...]]:
    known = definitions()
    for peer in PEERS:
        if not known.keys() >= set(peer.ours):
            continue
        ours = [known[name] for name in peer.ours]
        counts = ", ".join(f"{one.lines} ({_steps(one.document)})" for one in ours)
        links = ", ".join(one.link for one in ours)
        number = str(peer.number)
        cells = (number, peer.source, peer.shows, peer.theirs, counts, links)
        yield *cells, peer.verdict, peer.said_with


def _steps(document: Mapping[str, Any]) -> int:
    """Its steps: those of blocks and the handlers included."""
    inner = [*document.get("steps", ())]
    for listed in document.get("settings", {}).values():
        inner += listed if isinstance(listed, list) else []
    return sum(1 + _steps(step) for step in inner)
