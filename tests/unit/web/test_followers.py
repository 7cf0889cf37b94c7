"""Those who follow: what goes wrong with one of them is not felt by the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from pipeline_engine.domain.identity import new_id
from pipeline_engine.services.streams import Follow, Place
from pipeline_engine.storage.positions import Position

followers = import_module("pipeline_engine_web.door.followers")
holding = import_module("pipeline_engine_web.holding")


async def nothing_new(follows: Sequence[Follow]) -> list[None]:
    return [None] * len(follows)


def a_stream(key: str) -> Any:
    follow = Follow(new_id(), Place(Position(0, 0)))
    return holding.Stream(follow, b"", holding.Right(key, lambda: False))


def test_a_right_that_cannot_be_checked_does_not_end_the_checks_of_others() -> None:
    async def check(right: Any) -> bool:
        if right.key == "broken":
            raise ValueError("a row that nobody can read")
        return False

    async def go() -> Any:
        room = followers.StreamRoom(nothing_new, check, most=9, check_seconds=0.01)
        room.enter(a_stream("broken"))
        await asyncio.sleep(0.02)  # the first check is over
        return await room.enter(a_stream("taken away")).next(5)

    said = asyncio.run(go())

    assert b"the right to this has ended" in said.body
