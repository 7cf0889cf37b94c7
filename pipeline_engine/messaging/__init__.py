"""Messages out: what the history tells, on its way to those who have subscribed to it.

Reading order: wishes, verdicts, couriers, writing (event_form, reference_form), turn, progress,
look; notices. A subscription is a cursor over the history (ADR 56).
"""
