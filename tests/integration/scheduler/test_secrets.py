"""Secrets of the installation reach actions, and are stored nowhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from support.driving import Driver
from support.factories import a_step, an_action

from pipeline_engine.domain.masking import MASK
from pipeline_engine.domain.sealing import MARK
from pipeline_engine.sdk import ActionContext, ActionResult

SECRET = "neither-in-rows-nor-in-logs"


def told(context):
    key = context.params["key"]
    return ActionResult(
        success=key == SECRET,
        outputs={"header": f"Bearer {key}", key: [key]},
        error=None if key == SECRET else f"{key} is not the key",
    )


def refused(context):
    return ActionResult(success=False, error=f"the peer refused {context.params['key']}")


def test_outputs_that_quote_a_secret_are_stored_without_it(drive):
    driver = drive(an_action("tell", told, params=["key"]), secrets={"api": SECRET})

    end = driver.run(a_step("tell", action="tell", params={"key": "{{ secrets.api }}"}))

    assert end.status == "COMPLETED", "the action was given the secret itself"
    assert end.step("tell").outputs == {"header": f"Bearer {MASK}", MASK: [MASK]}


def test_an_error_that_quotes_a_secret_is_stored_without_it(drive):
    driver = drive(an_action("refuse", refused, params=["key"]), secrets={"api": SECRET})

    end = driver.run(a_step("ask", action="refuse", params={"key": "{{ secrets.api }}"}))

    assert end.step("ask").error_message == f"the peer refused {MASK}"
    assert end.execution.error["message"] == f"the peer refused {MASK}"
    assert SECRET not in repr([event.details for event in end.history])


def rows_that_quote(driver: Driver, text: str) -> list[str]:
    """The tables in which a text stands, in whatever column."""
    with driver.runtime.engine.connect() as connection:
        tables = connection.exec_driver_sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        ).scalars()
        return [
            table
            for table in tables.all()
            if connection.exec_driver_sql(
                f'SELECT count(*) FROM "{table}" t WHERE strpos(t::text, %(text)s) > 0',  # noqa: S608
                {"text": text},
            ).scalar()
        ]


BEARER = {"key": "{{ secrets.api }}", "header": ["Bearer {{ secrets.api }}!", "{{ item }}"]}


@pytest.mark.parametrize(
    "step",
    [
        {"action": "tell", "params": BEARER, "for_each": ["a", "{{ secrets.api }}"]},
        {
            "action": "tell",
            "params": BEARER,
            "for_each": {"items": [{"n": 1, "k": ["{{ secrets.api }}"]}], "key": "of {{ item.n }}"},
        },
        {
            "action": "for_each",
            "params": {
                "items": [1, "it is {{ secrets.api }}"],
                "action": "tell",
                "action_params": BEARER,
            },
        },
        {
            "action": "while",
            "params": {
                "condition": "{{ iteration < 2 }}",
                "action": "tell",
                "action_params": {"key": "{{ secrets.api }}"},
            },
        },
    ],
    ids=["values", "keys", "for_each", "while"],
)
@pytest.mark.parametrize("cheap", [True, False])
def test_items_that_quote_a_secret_are_given_it_and_stored_without_it(drive, step, cheap):
    seen: list[Any] = []

    def tell(context: ActionContext) -> ActionResult:
        seen.append((context.params, context.item))
        return told(context)

    action = an_action("tell", tell, params=["key", "header"], cheap=cheap)
    driver = drive(action, secrets={"api": SECRET, "other": "not-in-here"})
    execution_id = driver.start(a_step("each", **step))

    quoted = []
    while driver.round():
        quoted += rows_that_quote(driver, SECRET)

    end = driver.finish(execution_id)
    assert (end.status, len(seen)) == ("COMPLETED", len(end.items("each")))
    assert quoted == []
    assert all(params["key"] == SECRET for params, _ in seen)
    headers = [params["header"][0] for params, _ in seen if "header" in params]
    assert set(headers) <= {f"Bearer {SECRET}!"}
    assert step["action"] != "tell" or SECRET in repr([item for _, item in seen])


def test_who_writes_what_a_row_holds_for_a_secret_is_not_given_the_secret(drive):
    seen: list[Any] = []

    def look(context: ActionContext) -> ActionResult:
        seen.append(context.item)
        return ActionResult(success=True)

    forged = {"value": f"{MARK}00000000:AAAA", "sealed": True}
    driver = drive(an_action("look", look), secrets={"api": SECRET})

    driver.run(
        a_step("each", action="look", for_each="{{ params.list }}"),
        params={"list": [forged, MASK, "{{ secrets.api }}", f"{MARK}x"]},
        parameters=[{"name": "list", "type": "array"}],
    )

    assert seen == [forged, MASK, "{{ secrets.api }}", f"{MARK}x"]


def test_a_log_line_does_not_quote_a_secret_even_in_a_traceback(
    own_logging: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    own_logging(secrets={"api": SECRET})

    try:
        raise RuntimeError(f"the peer refused {SECRET}")
    except RuntimeError:
        logging.getLogger("an.action").exception("no luck with %s", SECRET)

    said = capsys.readouterr().err
    assert f"RuntimeError: the peer refused {MASK}" in said
    assert SECRET not in said
