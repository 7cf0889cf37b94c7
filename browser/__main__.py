"""``make browser``: have a browser for the tests of the console, or say in one line why not."""

from __future__ import annotations

import os
import sys

import click

from browser.fetching import NotFetched, fetch
from browser.finding import NoBrowser, find


def main() -> int:
    """Fetch one if there is none; 0 also without one, because the other tests are worth a run."""
    try:
        find(os.environ)
    except NoBrowser:
        click.echo("Fetching a browser for the tests of the console into .venv; once.")
        try:
            fetch()
            find(os.environ)
        except (NotFetched, NoBrowser) as trouble:
            click.echo(f"They will be left out: {trouble}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
