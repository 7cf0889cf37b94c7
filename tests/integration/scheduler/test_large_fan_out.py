"""A fan-out of the size that is allowed."""

from __future__ import annotations

from support.factories import a_step


def test_thousands_of_items_are_joined_although_no_single_step_may_leave_so_much(drive):
    loop = a_step("many", action="set_output", params={"outputs": {"text": "x" * 80}})
    loop["for_each"] = {"items": list(range(5_000)), "max_concurrency": 5_000}

    driver = drive()
    execution_id = driver.start(loop, outputs={"total": "{{ steps.many.outputs.total }}"})

    end = driver.finish(execution_id, within=90)

    assert end.outputs == {"total": 5_000}
