"""``search``, ``show`` and ``list``: what there is, and what of it is here."""

from __future__ import annotations

from typing import Any

import click

from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import (
    json_option,
    print_facts,
    print_json,
    print_line,
    print_table,
)

source_option = click.option("--source", metavar="NAME", help="Only this source.")


@click.command(
    epilog=example("pipeline-engine marketplace search", "pipeline-engine marketplace search greet")
)
@click.argument("words", nargs=-1)
@source_option
@json_option
def search(words: tuple[str, ...], source: str | None, as_json: bool) -> None:
    """Find packages with all WORDS in their names, summaries or actions; without words, all."""
    from pipeline_engine.cli.marketplace import told
    from pipeline_engine.cli.marketplace.counter import Counter
    from pipeline_engine.marketplace.format.index import offered

    counter = Counter.open()
    found = [
        told.package(shelf.source.name, offered(listings), counter.environment.version_of(name))
        for shelf in counter.readable(source)
        for name, listings in sorted(shelf.search(" ".join(words)))
    ]
    if as_json:
        print_json(found)
        return
    print_table("package", "source", "newest", "here", "", rows=map(_row, found))


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        one["name"],
        one["source"],
        one["version"],
        one["installed_version"] or "-",
        one["summary"],
    )


@click.command(
    epilog=example(
        "pipeline-engine marketplace show acme-greetings",
        "pipeline-engine marketplace show acme-greetings@1.0.0",
    )
)
@click.argument("package", metavar="NAME[@VERSION]")
@source_option
@json_option
def show(package: str, source: str | None, as_json: bool) -> None:
    """Show a release of a package: who has signed it, what it needs, its actions and rights."""
    from pipeline_engine.cli.marketplace import told
    from pipeline_engine.cli.marketplace.counter import Counter
    from pipeline_engine.marketplace.choosing import meant, newest
    from pipeline_engine.marketplace.sources import holding

    counter = Counter.open()
    name, versions = meant(package)
    shelf = holding(counter.readable(source), name)
    listings = shelf.index.packages[name]
    found = newest(listings, versions)
    known = [listing.release.version for listing in listings]
    here = counter.environment.version_of(name)
    if as_json:
        extra = {"source": shelf.source.name, "versions": known, "installed_version": here}
        print_json(told.listing(found) | extra)
        return
    print_line(f"{name} {found.release.version} from {shelf.source.name}: {found.release.summary}")
    click.echo()
    print_facts([*told.facts(found), ("versions", ", ".join(known)), ("installed", here or "no")])
    click.echo()
    print_table("action", "version", "permissions", "", rows=told.actions(found))


@click.command("list", epilog=example("pipeline-engine marketplace list"))
@json_option
def list_packages(as_json: bool) -> None:
    """List what was installed from the sources, as package@version."""
    from pipeline_engine.cli.marketplace.counter import Counter

    counter = Counter.open()
    found = [
        {"name": name, "version": here, "source": facts["source"], "signed_by": facts["key"]}
        for name, facts in sorted(counter.memory.installed().items())
        if (here := counter.environment.version_of(name)) is not None
    ]
    if as_json:
        print_json(found)
        return
    rows = ((f"{one['name']}@{one['version']}", one["source"], one["signed_by"]) for one in found)
    print_table("package", "source", "signed by", rows=rows)
