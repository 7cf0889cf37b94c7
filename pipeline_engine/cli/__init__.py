"""The command line: one file per noun, each named here with its commands."""

from __future__ import annotations

import click

from pipeline_engine import __version__
from pipeline_engine.cli.group import Commands, Entry


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pipeline-engine")
def main() -> None:
    """Durable pipelines on Celery: rows decide, Celery only carries.

    Every command says more with --help, with an example.
    """


main.sections = {
    "Pipelines": {
        "init": Entry("init", "Write a folder to begin with."),
        "validate": Entry("validate", "Check a pipeline document completely."),
        "schema": Entry("schema", "Print the JSON Schema of a document, for editors."),
        "pipelines": Entry("pipelines", "Store, list, archive and delete pipelines."),
        "secrets": Entry("secrets", "Store what steps are given and nobody is shown."),
        "actions": Entry("actions", "List what steps can do; write, try and check your own."),
        "marketplace": Entry("marketplace", "Find, install and publish packages of actions."),
    },
    "Executions": {
        "run": Entry("run", "Start a pipeline: a stored one, or a file."),
        "watch": Entry("executions", "Show an execution until it has ended."),
        "show": Entry("executions", "Show one execution: steps, errors, outputs."),
        "logs": Entry("logs", "Print what its actions have written down."),
        "explain": Entry("explain", "Say why an execution is not moving."),
        "executions": Entry("executions", "List executions, newest first."),
        "approve": Entry("approve", "Say yes or no to the step that waits for it."),
        "approvals": Entry("approve", "List what waits for a yes or a no."),
        "cancel": Entry("executions", "Ask for the end of an execution."),
    },
    "What starts by itself": {
        "schedules": Entry("schedules", "Start pipelines by the clock; what became of it."),
        "triggers": Entry("triggers", "Let events start pipelines."),
        "webhooks": Entry("webhooks", "Let third parties start pipelines."),
    },
    "Who is told": {
        "subscriptions": Entry("subscriptions", "Say who is told of what happens."),
        "alerts": Entry("alerts", "Be told when executions are late, fail, or wait too long."),
    },
    "Access": {
        "tokens": Entry("tokens", "Make, list and revoke API tokens."),
        "quotas": Entry("quotas", "Say how much one may have, and has."),
        "whoami": Entry("whoami", "Say who one is to the API, and what one may."),
        "audit-log": Entry("audit_log", "List who did what, and what was refused."),
    },
    "The stack on this machine": {
        "up": Entry("stack", "Run servers, web, workers and beat here."),
        "status": Entry("stack", "List the processes of the stack."),
        "env": Entry("stack", "Print its addresses and keys for a shell."),
        "open": Entry("open", "Open the console in a browser, signed in."),
        "down": Entry("stack", "Stop the stack; its data stays."),
        "reset": Entry("stack", "Delete the data of the stack."),
        "demo": Entry("demo", "See the main job survive the death of a worker."),
        "issuer": Entry("issuer", "Run a small OIDC issuer, to try sign-in with JWTs."),
    },
    "Operations": {
        "doctor": Entry("doctor", "Look at servers, workers and settings."),
        "audit": Entry("audit", "Check one execution's rows and history."),
        "retention": Entry("retention", "Say what is kept for how long; delete the rest."),
        "db": Entry("db", "Look after the database's schema."),
    },
}
