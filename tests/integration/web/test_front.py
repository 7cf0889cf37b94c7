"""``/`` leads a person and a program to everything else."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from pipeline_engine import __version__

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_a_program_gets_links_that_lead_somewhere(anybody: FlaskClient, accept: str) -> None:
    answer = anybody.get("/", headers={"Accept": accept})

    links = dict(answer.json["links"])
    assert (answer.json["service"], answer.json["version"]) == ("pipeline-engine", __version__)
    assert links.pop("api") == "/api/v1"
    assert {anybody.get(link).status_code for link in links.values()} <= {200, 503}
    assert answer.headers["Vary"] == "Accept"


def test_a_browser_gets_a_page_of_our_own_with_the_same_links(anybody: FlaskClient) -> None:
    page = anybody.get("/", headers={"Accept": BROWSER})

    addresses = re.findall(r'href="([^"]+)"', page.text)
    assert page.mimetype == "text/html"
    assert set(anybody.get("/").json["links"].values()) - {"/api/v1"} <= set(addresses)
    for address in addresses:
        with anybody.get(address) as found:
            assert found.status_code in (200, 503)
    assert not re.search(r"<script|style=|onclick=", page.text)
    assert __version__ in page.text


def test_what_is_not_there_stays_a_problem_document(anybody: FlaskClient) -> None:
    answer = anybody.get("/nowhere", headers={"Accept": BROWSER})

    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
