"""Secrets of the installation reach actions, and are stored nowhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog
from factories import a_step, an_action

from pipeline_engine.config import Settings
from pipeline_engine.domain.masking import MASK
from pipeline_engine.sdk import ActionResult
from pipeline_engine.services.logs import configure_logging

SECRET = "neither-in-rows-nor-in-logs"


def told(context):
    key = context.params["key"]
    return ActionResult(
        success=key == SECRET,
        outputs={"header": f"Bearer {key}", key: [key]},
        error=f"{key} is not the key",
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


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Let a test set the logs up as a worker does."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    yield
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_a_log_line_does_not_quote_a_secret_even_in_a_traceback(
    settings: Settings, own_logging: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(replace(settings, secrets={"api": SECRET}))

    try:
        raise RuntimeError(f"the peer refused {SECRET}")
    except RuntimeError:
        logging.getLogger("an.action").exception("no luck with %s", SECRET)

    said = capsys.readouterr().err
    assert f"RuntimeError: the peer refused {MASK}" in said
    assert SECRET not in said
