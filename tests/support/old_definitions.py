"""Definitions in the forms of before blocks, catches and races: the same ones for ever."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

RULES = ("none_failed", "all_success", "all_done", "always", "all_failed")
EAGER = ("one_success", "one_failed")
ACTIONS: dict[str, dict[str, Any]] = {
    "log": {"message": "{{ params.word }}"},
    "set_output": {"outputs": {"n": "{{ 1 + 1 }}"}},
    "fail": {},
    "http_request": {"url": "{{ params.url }}"},
    "wait_until": {"duration_seconds": 60},
    "wait_for_event": {"event_key": "{{ params.word }}"},
    "run_pipeline": {"pipeline": "other", "params": {"word": "x"}},
    "for_each": {"items": [1, 2], "action": "log", "action_params": {"message": "{{ item }}"}},
    "while": {"condition": "{{ iteration < 3 }}", "action": "log", "action_params": {}},
}
LOOPS = ("for_each", "while")


def old_definitions(count: int) -> Iterator[dict[str, Any]]:
    """As many definitions; the n-th is the same in every version of this module."""
    for seed in range(count):
        yield _definition(Random(seed))


def _definition(random: Random) -> dict[str, Any]:
    steps: list[dict[str, Any]] = []
    for number in range(random.randint(1, 14)):
        before = [step["id"] for step in steps]
        steps.append(
            _step(random, f"s{number}", random.sample(before, random.randint(0, min(3, number))))
        )
    document: dict[str, Any] = {
        "name": "old",
        "parameters": [{"name": "word", "default": "w"}, {"name": "url", "required": False}],
        "settings": {
            "max_parallel_steps": random.choice([1, 2, 5, 10]),
            "fail_fast": random.random() < 0.5,
        },
        "steps": steps,
    }
    if random.random() < 0.3:
        handler = {
            "id": "tidy",
            "name": "Tidy",
            "action": "log",
            "when": random.choice(["always", "on_cancel"]),
        }
        document["settings"][random.choice(["finally", "on_failure"])] = [handler]
    return document


def _step(random: Random, step_id: str, depends_on: list[str]) -> dict[str, Any]:
    action = random.choice(sorted(ACTIONS))
    step: dict[str, Any] = {
        "id": step_id,
        "name": step_id.upper(),
        "action": action,
        "params": ACTIONS[action],
        "depends_on": depends_on,
        "on_failure": random.choice(["fail", "fail", "continue", "retry"]),
    }
    if depends_on:
        rules: list[Any] = [*RULES, *EAGER, {"at_least": random.randint(1, len(depends_on))}]
        step["trigger_rule"] = random.choice(["none_failed", "none_failed", *rules])
    if action not in LOOPS and random.random() < 0.2:
        step["for_each"] = random.choice([["a", "b"], "{{ [1, 2, 3] }}"])
    if random.random() < 0.2:
        step["compensate"] = {"action": random.choice(["log", "http_request"]), "params": {}}
    if random.random() < 0.2:
        step["condition"] = "params.word == 'w'"
    if random.random() < 0.2:
        step["queue"] = random.choice(["fast", "io", "cpu"])
    if random.random() < 0.2:
        step["weight"] = random.choice([0.5, 2])
    if random.random() < 0.2:
        step["retry"] = {"max_attempts": random.randint(1, 5), "backoff_seconds": 1}
    return step
