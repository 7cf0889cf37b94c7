"""``python -m pipeline_engine_web``: the web processes."""

from __future__ import annotations

import click

from pipeline_engine.config import Settings
from pipeline_engine.logs import configure_logging

from .door import serve


@click.command()
@click.argument("application", default="pipeline_engine_web.asgi:door")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option("--port", envvar="PORT", default=9082, show_default=True, help="Or PORT.")
@click.option(
    "--workers", envvar="WEB_CONCURRENCY", default=2, show_default=True, help="Or WEB_CONCURRENCY."
)
def main(application: str, host: str, port: int, workers: int) -> None:
    """Serve the API, in so many processes."""
    configure_logging(Settings.from_env())  # wrong settings are told once, here
    serve(application, host=host, port=port, workers=workers)


if __name__ == "__main__":  # processes that are spawned import this, too
    main()
