"""One browser beside the stack of these tests, and a page of its own for each of them.

A test fails if a page says something that none should (``browser/complaints.py``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect
from support.browsers import browser_of_tests

from browser import console
from browser.complaints import Complaints
from browser.running import running, somebody
from pipeline_engine.client import Client
from pipeline_engine.domain.scopes import FAR_REACHING, Scope
from pipeline_engine.embedded.stack import Stack

#: Milliseconds until something is seen, on a machine that does five other things.
PATIENCE = 30_000
Visitor = Callable[..., AbstractContextManager[BrowserContext]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say once that tests were left out, and not for each of them."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        report.longrepr = (__file__, 1, report.longrepr[2])
    return report


@pytest.fixture(scope="package", autouse=True)
def browser() -> Iterator[Browser]:
    """Comes before the stack: where it is missing nothing else need be started."""
    program = browser_of_tests(os.environ)
    if not console.is_built():
        pytest.skip("The console was not looked at, for it is not built: `make console`.")
    expect.set_options(timeout=PATIENCE)
    with running(program) as started:
        yield started


@pytest.fixture(scope="package")
def token_of_ada(stack: Stack, tokens: Callable[..., str]) -> str:
    """Ada has all rights, among what is hers."""
    rights = sorted(set(Scope) - FAR_REACHING)
    bootstrap = Client(stack.api_url, stack.api_token)
    return str(bootstrap.create_token("ada", scopes=rights, user_id="ada")["token"])


@pytest.fixture(scope="package")
def ada(stack: Stack, token_of_ada: str) -> Client:
    """What she does elsewhere than in the browser."""
    return Client(stack.api_url, token_of_ada)


@pytest.fixture(scope="package")
def signed_in(browser: Browser, stack: Stack, ada: Client) -> StorageState:
    """What a browser keeps of whoever has come by a link that signs in once."""
    with somebody(browser, stack.api_url) as context:
        page = context.new_page()
        page.goto(ada.sign_in_link())
        page.get_by_role("button", name="Open the console").click()
        expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()
        return context.storage_state()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Ends the test with all that was wrong, when its pages are closed."""
    heard = Complaints()
    yield heard
    assert not heard, str(heard)


@pytest.fixture
def visitor(browser: Browser, client: Client, complaints: Complaints) -> Visitor:
    """A way to come as somebody who is not signed in, in a browser of his own."""

    @contextmanager
    def come(**more: Any) -> Iterator[BrowserContext]:
        with somebody(browser, client.url, **more) as context:
            context.set_default_timeout(PATIENCE)
            with complaints.heard_in(context):
                yield context

    return come


@pytest.fixture
def page(visitor: Visitor, signed_in: StorageState) -> Iterator[Page]:
    """An empty page of whoever is signed in."""
    with visitor(storage_state=signed_in) as context:
        yield context.new_page()
