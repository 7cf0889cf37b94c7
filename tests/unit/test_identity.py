"""How rows get their ids."""

from __future__ import annotations

from pipeline_engine.domain.identity import new_id


def test_ids_are_born_in_their_order_so_that_indexes_grow_at_one_end():
    ids = [new_id() for _ in range(1000)]

    assert ids == sorted(set(ids))
    assert {found.version for found in ids} == {7}
