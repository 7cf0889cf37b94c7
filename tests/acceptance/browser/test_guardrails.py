"""A guardrail is deployed in the console, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from browser.complaints import Complaints
from pipeline_engine.client import Client
from pipeline_engine.demo.peers.process import PeersProcess

CALM = {"event_delay": [0.02, 0.1], "early": 0, "duplicates": 0, "shuffle": False}


@pytest.fixture
def peers(peers: PeersProcess) -> Iterator[PeersProcess]:
    """Well-behaved and quick; what else they were told is forgotten after the test."""
    peers.control(**CALM)
    yield peers
    peers.control(failing=[])


class Wizard:
    """Somebody in front of it, who says what it asks for."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def is_at(self, step: str) -> None:
        expect(self._page.get_by_role("heading", name=step, exact=True)).to_be_visible()

    def type(self, name: str, text: str) -> None:
        self._page.locator(f"[data-param={name}] input").fill(text)

    def choose(self, name: str) -> None:
        self._page.get_by_role("radio", name=name).check()

    def press(self, name: str) -> None:
        self._page.get_by_role("button", name=name, exact=True).click()


def test_twelve_steps_lead_to_a_deployment_that_fails_is_taken_back_and_repeated(
    page: Page, ada: Client, peers: PeersProcess, complaints: Complaints
) -> None:
    wizard, probe = Wizard(page), uuid4().hex[:8]
    page.goto("/console/guardrails")
    page.get_by_role("link", name="New guardrail").click()
    wizard.type("provider_type", "bud_sentinel")
    wizard.press("Begin")
    wizard.is_at("Project")
    wizard.type("project_id", "missing-1")
    wizard.press("Save and go on")
    field = page.locator("[data-param=project_id]")
    expect(field.get_by_text("There is no such project")).to_be_visible()
    complaints.expect("^422: POST .*deploy-workflow|status of 422")
    wizard.type("project_id", "project-1")
    wizard.press("Save and go on")
    wizard.is_at("Probes")
    wizard.type("id", probe)
    wizard.press("Save and go on")

    wizard.is_at("Onboarding")
    expect(page.get_by_role("table", name="Models")).to_contain_text(f"demo/{probe}-model-1")
    wizard.type("credential_id", "credential-1")
    wizard.press("Onboard the models")
    wizard.is_at("Hardware mode")
    wizard.choose("Dedicated")
    wizard.press("Save and go on")
    wizard.press("Look for clusters")
    wizard.choose("Amsterdam")
    wizard.press("Save and go on")
    wizard.choose("In front of endpoints")
    wizard.press("Save and go on")
    wizard.is_at("Endpoints")
    wizard.type("endpoint_ids", f"endpoint-{probe}")
    wizard.press("Save and go on")
    wizard.is_at("Profile")
    wizard.type("severity_threshold", "0.5")
    page.get_by_label("Name").fill("Chat guard")
    wizard.press("Save and go on")

    workflow = ada.guardrails.get(page.url.rsplit("/", 1)[-1].partition("?")[0])
    models = workflow["workflow_steps"]["models_to_deploy"]
    peers.control(failing=[models[1]["model_id"]])
    wizard.press("Deploy")
    wizard.is_at("Deployment failed")
    expect(page.get_by_label("What was taken back")).to_contain_text("Taken back")
    peers.control(failing=[])
    wizard.press("Deploy again")
    wizard.is_at("The guardrail is deployed")
    expect(page.get_by_text("run 2")).to_be_visible()
    page.get_by_role("link", name="guardrail-deployment").first.click()
    expect(page.locator("header").get_by_text("Completed")).to_be_visible()
