"""Schedules over the API: one method per call; what they return are the API's own documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import requests

from pipeline_engine.errors import AmbiguousScheduleName, ScheduleNotFound

Json = dict[str, Any]
PATH = "schedules"
PAGE_SIZE = 1000


class Schedules:
    """What a client may ask of schedules."""

    def __init__(
        self,
        send: Callable[..., requests.Response],
        all_of: Callable[..., Iterator[Json]],
    ) -> None:
        self._send = send
        self._all_of = all_of  #: the entries of all pages

    def listed(self, **filters: Any) -> list[Json]:
        """Return schedules, the newest first."""
        return list(self._all_of(PATH, "schedules", {"page_size": PAGE_SIZE, **filters}))

    def get(self, schedule_id: str) -> Json:
        """Return one schedule."""
        return self._answer("GET", f"{PATH}/{schedule_id}")

    def find(self, name_or_id: str) -> Json:
        """Return the schedule with this id or name.

        Raises ``ScheduleNotFound``, and ``AmbiguousScheduleName`` for a name that means several.
        """
        if _is_id(name_or_id):
            return self.get(name_or_id)
        found = self.listed(name=name_or_id)
        if not found:
            raise ScheduleNotFound(f"There is no schedule {name_or_id!r}.")
        if len(found) > 1:
            raise AmbiguousScheduleName.of(name_or_id, [one["id"] for one in found])
        return found[0]

    def create(self, wanted: Mapping[str, Any]) -> Json:
        """Make a schedule."""
        return self._answer("POST", PATH, json=wanted)

    def change(self, schedule: Mapping[str, Any], change: Mapping[str, Any]) -> Json:
        """Change what *change* names, unless somebody else has changed *schedule* meanwhile."""
        body = {**change, "lock_version": schedule["lock_version"]}
        return self._answer("PUT", f"{PATH}/{schedule['id']}", json=body)

    def delete(self, schedule_id: str) -> None:
        """Delete a schedule with its ledger; what it has started stays."""
        self._send("DELETE", f"{PATH}/{schedule_id}")

    def pause(self, schedule_id: str) -> Json:
        """Let nothing be due until somebody resumes it."""
        return self._answer("POST", f"{PATH}/{schedule_id}/pause")

    def resume(self, schedule_id: str) -> Json:
        """Go on with the first due time that is still to come."""
        return self._answer("POST", f"{PATH}/{schedule_id}/resume")

    def trigger(self, schedule_id: str, params: Mapping[str, Any]) -> Json:
        """Start what the schedule starts, now; *params* go before its own."""
        return self._answer("POST", f"{PATH}/{schedule_id}/trigger", json=params)

    def next_runs(self, schedule_id: str, *, count: int) -> Json:
        """Return the next due times."""
        path = f"{PATH}/{schedule_id}/next-runs"
        return self._answer("GET", path, params={"count": count})

    def preview(self, schedule: Mapping[str, Any], *, count: int, after: str | None = None) -> Json:
        """Return what a schedule would mean, and its first due times; nothing is saved."""
        body = {"schedule": schedule, "count": count} | ({"after": after} if after else {})
        return self._answer("POST", f"{PATH}/preview", json=body)

    def fires(self, schedule_id: str, **filters: Any) -> Json:
        """Return one page of what became of its due times, the newest first."""
        return self._answer("GET", f"{PATH}/{schedule_id}/fires", params=filters)

    def backfill(self, schedule_id: str, wanted: Mapping[str, Any]) -> Json:
        """Make up for due times that have passed, or say what would be started."""
        return self._answer("POST", f"{PATH}/{schedule_id}/backfill", json=wanted)

    def _answer(self, method: str, path: str, **request: Any) -> Json:
        answer: Json = self._send(method, path, **request).json()
        return answer


def _is_id(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True
