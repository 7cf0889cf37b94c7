"""Whether a step that is ready may be queued now, and what queues it otherwise."""

from __future__ import annotations

from pipeline_engine.domain.admission import Admission, answer


def test_what_needs_no_place_is_queued_at_once():
    assert answer(window=None) is Admission.QUEUED
    assert answer(window=None, before=99, is_item=True) is Admission.QUEUED


def test_a_step_is_held_until_its_window_has_been_counted():
    assert answer(window=2) is Admission.HELD_BY_EXECUTION
    assert answer(window=2, before=1) is Admission.QUEUED
    assert answer(window=2, before=2) is Admission.HELD_BY_EXECUTION


def test_who_needs_a_place_of_a_key_stands_in_line_for_it():
    assert answer(has_place=False) is Admission.IN_LINE
    assert answer(window=2, before=0, has_place=False) is Admission.IN_LINE
    assert answer(has_place=True) is Admission.QUEUED


def test_items_are_queued_as_far_as_the_window_of_their_fan_out_reaches():
    found = [answer(window=2, before=place, is_item=True) for place in range(3)]

    assert found == [Admission.QUEUED, Admission.QUEUED, Admission.HELD_BY_FAN_OUT]


def test_an_item_with_a_delay_has_its_place_and_waits_for_the_clock():
    assert answer(window=1, before=0, is_item=True, delay_seconds=5) is Admission.BY_THE_CLOCK
    assert answer(window=1, before=1, is_item=True, delay_seconds=5).is_held
