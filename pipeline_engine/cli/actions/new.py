"""``pipeline-engine actions new``: a package to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import json_option, keep_log_apart, print_json, print_line


@click.command("new", epilog=example("pipeline-engine actions new acme_greet"))
@click.argument("name")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    help="Where to write it; a folder named after the package if not said.",
)
@click.option("--event-driven", is_flag=True, help="Of an action that starts a job and waits.")
@json_option
def new_action(name: str, folder: Path | None, event_driven: bool, as_json: bool) -> None:
    """Write a package with one action of type NAME, which passes its own tests as it is.

    Nothing is overwritten, and no name is taken that is installed here.
    """
    from pipeline_engine.authoring.names import names_for
    from pipeline_engine.authoring.new_package import write_package
    from pipeline_engine.registry import Registry, Terms

    keep_log_apart()
    names = names_for(name, Registry.discover(terms=Terms.from_env()))
    folder = folder or Path(names.package)
    written = write_package(names, folder, event_driven=event_driven)
    if as_json:
        files = [str(path.relative_to(folder)) for path in written]
        print_json({"folder": str(folder), "type": names.type, "files": files})
        return
    for path in written:
        print_line(f"{path}")
    print_line("Next:")
    if folder != Path():
        print_line(f"  cd {folder}")
    print_line("  pip install -e '.[test]' && pytest")
    print_line("  pipeline-engine actions check .")
