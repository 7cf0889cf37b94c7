"""An execution as the documentation describes it, deliberately slow and plain.

It keeps no counters. It is given what happened outside (which steps ran and how that ended,
which branches were taken, when the execution was given up) and works out all the rest from
the definition and from what has ended, again and again until nothing new follows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

FAILURES = ("FAILED", "TIMEOUT")
SURVIVE_FAILURE = ("all_done", "always", "one_failed", "one_done", "all_failed")


@dataclass
class Model:
    """One execution of a document."""

    document: dict[str, Any]
    ended: dict[str, str] = field(default_factory=dict)  #: "COMPLETED" … or why it was skipped
    running: set[str] = field(default_factory=set)
    stopping: set[str] = field(default_factory=set)
    caught: dict[str, list[str]] = field(default_factory=dict)  #: for which steps, if for some only
    given_up: str | None = None
    forced: bool = False  #: handlers are stopped too, and whatever else would survive
    failed: bool = False

    # ── What happens ─────────────────────────────────────────────────────────────────────

    def begin(self, step: str) -> None:
        assert step in self.ready
        self.running.add(step)

    def end(
        self,
        how: dict[str, str],
        *,
        untaken: set[str],
        slow: set[str],
        codes: dict[str, str] | None = None,
    ) -> None:
        """These steps end; of those that nobody waits for any more, nobody takes notice.

        The *codes* are those of failures.
        """
        how = {s: end for s, end in how.items() if s in self.ready or self._runs(s)}
        for step, end in how.items():
            entry = self._entry(step, (codes or {}).get(step, "")) if end in FAILURES else None
            if entry is not None:
                how[step] = "COMPLETED"
                self.caught[step] = entry.get("next", [])
        self.ended.update(how)
        if how:
            untaken = untaken.union(*(self._led_past(step) for step in how))
            self._skip({s for s in untaken if s not in self.running}, "branch")
        if any(end in FAILURES and not self._is_tolerated(s) for s, end in how.items()):
            self.failed = True
            if self.settings.get("fail_fast", True):
                self.give_up("failed", slow=slow)
        self._follow()

    def give_up(self, reason: str, *, slow: set[str], force: bool = False) -> None:
        if self.is_over:
            return
        # What a client says outranks a failure and a time-out; else the first reason counts.
        if self.given_up is None or (reason == "cancelled" and self.given_up != "cancelled"):
            self.given_up = reason
        elif not force or self.forced:
            return
        self.failed = True
        self.forced = self.forced or force
        stopped = {s for s in self.steps if s not in self.ended and not self._survives(s)}
        stopped -= self.stopping
        self.stopping |= stopped & self.running & slow
        self._skip(stopped - self.stopping, "aborted")
        self._follow()

    def clean_up(self, step: str) -> None:
        self.stopping.remove(step)
        self._skip({step}, "aborted")
        self._follow()

    # ── What is the case ─────────────────────────────────────────────────────────────────

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        return {step["id"]: step for step in self.document["steps"]}

    @property
    def settings(self) -> dict[str, Any]:
        return self.document.get("settings", {})

    @property
    def ready(self) -> set[str]:
        open_steps = set(self.steps) - set(self.ended) - self.running
        return {step for step in open_steps if self.fate(step) == "run"}

    @property
    def is_over(self) -> bool:
        return set(self.ended) == set(self.steps)

    @property
    def status(self) -> str | None:
        if not self.is_over:
            return None
        if self.given_up == "cancelled":
            return "INTERRUPTED"
        return "FAILED" if self.failed else "COMPLETED"

    def rule(self, step: str) -> str:
        given = self.steps[step].get("trigger_rule", "none_failed")
        return given if isinstance(given, str) else "at_least"

    def fate(self, step: str) -> str:
        """``run``, ``wait``, or why the step has to be skipped."""
        fate = self._fate_by_rule(step)
        only_after = [s for s in self.steps if step in self._named(s)]
        if fate == "run" and only_after and not any(step in self._goes_to(s) for s in only_after):
            return "branch"
        return fate

    # One rule after the other, as the documentation has them.
    def _fate_by_rule(self, step: str) -> str:  # noqa: C901, PLR0911, PLR0912
        before = [self._word(dependency) for dependency in self.steps[step]["depends_on"]]
        if not before:
            return "run"
        rule = self.rule(step)
        good, bad, still = before.count("good"), before.count("bad"), before.count("open")
        stopped = any(self._stops(dependency) for dependency in self.steps[step]["depends_on"])
        all_branched = all(word == "branched" for word in before)

        if rule == "one_success" and good:
            return "run"
        if rule == "one_failed" and bad:
            return "run"
        if rule == "one_done" and (good or bad):
            return "run"
        if rule == "at_least":
            wanted = self.steps[step]["trigger_rule"]["at_least"]
            if good >= wanted:
                return "run"
            if still and good + still >= wanted:
                return "wait"
        elif still:
            return "wait"

        if rule in ("all_done", "always"):
            return "run"
        if all_branched:
            return "branch"
        if rule == "none_failed":
            return "upstream_failed" if stopped else "run"
        if rule == "all_success" and good == len(before):
            return "run"
        if rule == "all_failed" and bad == len(before):
            return "run"
        return "upstream_failed" if stopped and rule not in SURVIVE_FAILURE else "rule"

    # ── Failures that are caught ─────────────────────────────────────────────────────────

    def _entry(self, step: str, code: str) -> dict[str, Any] | None:
        entries = self.steps[step].get("catch", [])
        return next((one for one in entries if one["errors"] in ("*", code)), None)

    def _named(self, step: str) -> set[str]:
        """The steps that only caught failures of this one, or of others, lead to."""
        return {s for one in self.steps[step].get("catch", []) for s in one.get("next", [])}

    def _goes_to(self, step: str) -> list[str]:
        return self.caught.get(step, [])

    def _led_past(self, step: str) -> set[str]:
        """Steps behind one whose failure was caught for others, if nothing else leads there."""
        behind = {s for s, given in self.steps.items() if step in given["depends_on"]}
        return behind - self._named(step) if self._goes_to(step) else set()

    # ── How an end looks from behind ─────────────────────────────────────────────────────

    def _word(self, step: str) -> str:
        if step not in self.ended:
            return "open"
        words = {"COMPLETED": "good", "upstream_failed": "bad", "branch": "branched"}
        words |= dict.fromkeys(FAILURES, "bad")
        return words.get(self.ended[step], "neither")

    def _stops(self, step: str) -> bool:
        end = self.ended.get(step)
        if end in FAILURES:
            return not self._is_tolerated(step)
        return end in ("upstream_failed", "aborted")

    def _survives(self, step: str) -> bool:
        if self.forced:
            return False
        return self.rule(step) in (("always",) if self.given_up == "cancelled" else SURVIVE_FAILURE)

    def _is_tolerated(self, step: str) -> bool:
        return self.steps[step].get("on_failure") == "continue"

    def _runs(self, step: str) -> bool:
        return step in self.running and step not in self.stopping and step not in self.ended

    def _skip(self, steps: set[str], why: str) -> None:
        self.ended.update({step: why for step in steps if step not in self.ended})

    def _follow(self) -> None:
        while True:
            waiting = set(self.steps) - set(self.ended) - self.running
            fates = {step: self.fate(step) for step in waiting}
            skipped = {s: fate for s, fate in fates.items() if fate not in ("run", "wait")}
            if not skipped:
                return
            self.ended.update(skipped)
