"""A pipeline is started from the form of its parameters."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Page, Request, expect
from support.observing import step

from browser.complaints import Complaints
from pipeline_engine.client import Client

#: More than a number of JavaScript can hold.
LARGE = 9007199254740993


def a_pipeline(client: Client) -> str:
    parameters: list[dict[str, Any]] = [
        {"name": "build", "type": "integer"},
        {"name": "note", "default": "none"},
        {"name": "dry", "type": "boolean"},
        {"name": "labels", "type": "object", "default": {"a": 1}},
    ]
    stored = client.store(
        {"name": "from a form", "parameters": parameters, "steps": [step("on", "log", message="x")]}
    )
    return str(stored["id"])


def test_a_form_sends_what_it_shows_once_and_says_at_each_field_what_was_refused(
    page: Page, ada: Client, complaints: Complaints
) -> None:
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.goto(f"/console/pipelines/{a_pipeline(ada)}?run=1")
    form = page.get_by_role("dialog")
    run = form.get_by_role("button", name="Run", exact=True)

    run.click()

    build = form.get_by_label("build", exact=False)
    expect(build).to_have_attribute("aria-invalid", "true")
    expect(build).to_be_focused()
    complaints.expect("^422: POST")
    complaints.expect("status of 422")
    build.fill(str(LARGE))
    form.get_by_text("false", exact=True).click()
    form.get_by_label("note").fill("x")
    form.get_by_label("note").fill("")
    form.get_by_text("JSON", exact=True).click()
    params = form.get_by_label("Params as JSON")
    params.fill(params.input_value().replace("}", ',\n  "more": [1.5, null]\n,}'))
    expect(form.get_by_text(re.compile("^Line 7, column 2: "))).to_be_visible()
    params.fill(params.input_value().replace(",}", "}"))
    form.get_by_text("Form", exact=True).click()
    run.dblclick()

    page.wait_for_url("**/console/executions/*")
    _, started = [json.loads(request.post_data or "") for request in sent]
    assert started["params"] == {"build": LARGE, "dry": False, "note": "", "more": [1.5, None]}
    execution = page.url.rpartition("/")[2]
    assert ada.execution(execution)["pipeline_definition"]["params"]["build"] == LARGE
