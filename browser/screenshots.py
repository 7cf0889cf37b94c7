"""``make screenshots``: every page in both themes, where the demo was played and more was sown.

The pictures are written to ``docs/console``.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Literal

import click
from PIL import Image
from playwright.sync_api import Browser, Page

from browser.audit import settle
from browser.console import ROOT, is_built, registered
from browser.finding import NoBrowser, find
from browser.palettes import with_palette
from browser.running import running, somebody
from browser.seeds import Sown, sow
from pipeline_engine.cli.performance import USER, Stage, staged
from pipeline_engine.client import Client, Snapshot
from pipeline_engine.demo.choices import CHAT
from pipeline_engine.domain.scopes import FAR_REACHING, Scope

FOLDER = ROOT / "docs" / "console"
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
#: Milliseconds for what comes after the first answer, such as why an execution waits.
LATER = 1500


class Narrator:
    """Tells on the way how far the demo is."""

    def say(self, line: str) -> None:
        """Pass it on."""
        click.echo(line)

    def show(self, snapshot: Snapshot) -> None:
        """Say nothing of it: the pictures do."""


def name_of(path: str) -> str:
    """How the picture of a page is called: ``execution`` of ``/console/executions/:id``."""
    return re.sub(r"s/:\w+", "", path.removeprefix("/console/")).replace("/", "-")


def main() -> int:
    """Take them all; tells in a line what is missing for it."""
    if not is_built():
        click.echo("There is nothing to take: the console is not built (`make console`).")
        return 1
    try:
        program = find(os.environ)
    except NoBrowser as trouble:
        click.echo(str(trouble))
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pipeline-engine-pictures-") as folder:
        Path(folder).chmod(0o711)  # the servers may run as somebody else
        with staged(Path(folder) / "stack") as stage, running(program) as browser:
            photograph(stage, browser)
    return 0


def photograph(stage: Stage, browser: Browser) -> None:
    """Play the demo, sow, and take every page and the door."""
    story = stage.perform(Narrator())
    stack = stage.stack
    bootstrap = Client(stack.api_url, stack.api_token)
    rights = sorted(set(Scope) - FAR_REACHING)
    token = bootstrap.create_token("gardener", scopes=rights, user_id=USER)["token"]
    sown = sow(Client(stack.api_url, token))
    workflow = str(story.workflows[CHAT.name][-1]["workflow_id"])
    pages = Sown({**sown.ids, "guardrails": workflow})
    with somebody(browser, stack.api_url) as context:
        page = context.new_page()
        page.goto(bootstrap.sign_in_link())
        take(page, "sign-in")
        page.get_by_role("button", name="Open the console").click()
        settle(page)
        for path in registered():
            page.goto(pages.address(path))
            settle(page)
            page.wait_for_timeout(LATER)
            take(page, name_of(path))


def take(page: Page, name: str) -> None:
    """Write what a page looks like in both themes."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        picture = Image.open(BytesIO(page.screenshot()))
        with_palette(picture).save(FOLDER / f"{name}-{theme}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
