"""The part of I9 that is read over HTTP: no page of the API or of Flower shows a secret."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from threading import Event

import requests

from battery.evidence import Page
from pipeline_engine.domain.masking import Masker

#: A process that was killed last is back by then.
ANSWERS_WITHIN_SECONDS = 30.0
PAUSE_SECONDS = 0.2


def shown_secrets(pages: Iterable[Page], canaries: Masker) -> Iterator[str]:
    """Which pages show a canary in any form, or cannot be read."""
    for page in pages:
        try:
            text = _read(page)
        except requests.RequestException as error:
            yield f"{page.url} cannot be read: {type(error).__name__}"
            continue
        if canaries.finds(text):
            yield f"a secret is shown at {page.url}"


def _read(page: Page) -> str:
    ends_at = time.monotonic() + ANSWERS_WITHIN_SECONDS
    while True:
        try:
            answer = requests.get(page.url, headers=dict(page.headers), timeout=10)
            answer.raise_for_status()
        except requests.RequestException:
            if time.monotonic() > ends_at:
                raise
            Event().wait(PAUSE_SECONDS)
        else:
            return answer.text
