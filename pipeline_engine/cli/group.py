"""The outermost group: its commands in sections, each loaded when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from pipeline_engine.errors import PipelineEngineError

WANTS_JSON = "pipeline_engine.wants_json"


class Entry(NamedTuple):
    """Where a command is, and what the list of all commands says of it."""

    module: str  #: in ``pipeline_engine.cli``; the command is named like its function there
    summary: str


class Commands(click.Group):
    """Knows its commands by name and summary only, and tells of errors in a sentence.

    Loading all of them takes seconds (SQLAlchemy, Celery, Alembic, Rich …), too long for help and
    for the completion of a shell.
    """

    sections: Mapping[str, Mapping[str, Entry]] = {}

    @property
    def entries(self) -> Mapping[str, Entry]:
        """All commands, by name."""
        return {name: entry for part in self.sections.values() for name, entry in part.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's)
        """The names, in the order of the help."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load a command."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module = import_module(f"pipeline_engine.cli.{entry.module}")
        found: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; for a misspelled name, the error suggests similar ones."""
        if (
            args[0] not in self.entries
            and not args[0].startswith("-")
            and not ctx.resilient_parsing
        ):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=self.entries, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the sections."""
        widest = max(map(len, self.entries))
        for title, part in self.sections.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name.ljust(widest), entry.summary) for name, entry in part.items()]
                )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer names and summaries, without loading what they are of."""
        names = [
            CompletionItem(name, help=entry.summary)
            for name, entry in self.entries.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember whether errors are to be JSON, before the first one can occur."""
        before_the_rest = args[: args.index("--")] if "--" in args else args
        ctx.meta[WANTS_JSON] = "--json" in before_the_rest
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; anything but our own errors is a fault and keeps its traceback."""
        try:
            return super().invoke(ctx)
        except PipelineEngineError as error:
            ctx.exit(_told(error, ctx))
        except click.ClickException as error:
            if not ctx.meta[WANTS_JSON]:
                raise
            ctx.exit(_told(error, ctx))


def _told(error: PipelineEngineError | click.ClickException, ctx: click.Context) -> int:
    failures = import_module("pipeline_engine.cli.failures")
    code: int = failures.tell(error, as_json=ctx.meta[WANTS_JSON])
    return code


def example(*lines: str) -> str:
    """The end of a command's help: what one would type."""
    return "\n".join(["\b", "Example:", *(f"  {line}" for line in lines)])
