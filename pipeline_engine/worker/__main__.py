"""``python -m pipeline_engine.worker``: one worker, without Celery's command line.

``celery -A pipeline_engine.worker worker`` is the same worker, and has loaded all other commands
of Celery with it, Flower and a shell: a fifth more memory.
"""

from __future__ import annotations

import sys
import warnings

import click
from celery.utils.nodenames import default_nodename, host_format

from pipeline_engine.worker.app import app, settings


@click.command()
@click.option("-n", "--name", default="worker@%h", show_default=True, help="%h is this host.")
@click.option("-Q", "--queues", required=True, help="Queues to serve, separated by commas.")
@click.option("-P", "--pool", type=click.Choice(["prefork", "threads"]), default="threads")
@click.option("-c", "--slots", type=click.IntRange(1), required=True, help="Tasks at a time.")
@click.option("-E", "--events", is_flag=True, help="Tell Flower of every task.")
def main(name: str, queues: str, pool: str, slots: int, events: bool) -> None:
    """Run steps from QUEUES until told to stop."""
    watched = events or settings.worker_events
    # Messages are JSON: no reason to shout at root, who may run a stack of her own.
    warnings.filterwarnings("ignore", "You're running the worker with superuser privileges")
    worker = app.Worker(
        hostname=host_format(default_nodename(name)),
        queues=queues,
        pool=pool,
        concurrency=slots,
        task_events=watched,
        without_heartbeat=not watched,
        # Nobody listens, and mingling costs a second.
        without_gossip=True,
        without_mingle=True,
        loglevel=settings.log_level,
        quiet=True,  # a banner is no log
    )
    worker.start()
    sys.exit(worker.exitcode)


if __name__ == "__main__":
    main()
