"""``install`` and ``update``: what a package is and wants is shown before it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline_engine.cli.group import example
from pipeline_engine.cli.marketplace.looking import source_option
from pipeline_engine.cli.output import (
    json_option,
    print_facts,
    print_json,
    print_line,
    print_table,
)

if TYPE_CHECKING:
    from pipeline_engine.cli.marketplace.counter import Counter
    from pipeline_engine.marketplace.installing import Plan

Command = TypeVar("Command", bound=Callable[..., Any])


def _options(command: Command) -> Command:
    """How anything is installed."""
    for option in (
        json_option,
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option(
            "--with-dependencies",
            is_flag=True,
            help="Let pip get what is missing from its own index, whoever has published it.",
        ),
        click.option("--dry-run", is_flag=True, help="Verify and show all; install nothing."),
    ):
        command = option(command)
    return command


@click.command(
    epilog=example(
        "pipeline-engine marketplace install acme-greetings --dry-run",
        "pipeline-engine marketplace install acme-greetings@1.0.0 acme-models --yes",
    )
)
@click.argument("packages", nargs=-1, required=True, metavar="NAME[@VERSION]...")
@source_option
@_options
def install(packages: tuple[str, ...], source: str | None, **options: bool) -> None:
    """Install packages of actions into this Python environment.

    Index, record and file of each are verified; its actions and the rights that they ask for are
    shown; then it asks. Nothing of a package runs before it is there.
    """
    from pipeline_engine.cli.marketplace.counter import Counter
    from pipeline_engine.marketplace.installing import planned

    counter = Counter.open()
    shelves = counter.shelves(source)
    plans = [planned(shelves, name, counter.memory, counter.environment) for name in packages]
    _go_on(counter, plans, **options)


@click.command(
    epilog=example(
        "pipeline-engine marketplace update --dry-run",
        "pipeline-engine marketplace update acme-greetings --yes",
    )
)
@click.argument("packages", nargs=-1, metavar="[NAME]...")
@_options
def update(packages: tuple[str, ...], **options: bool) -> None:
    """Read the sources again, and install newer releases of what came from them.

    A package is looked for in the source that it came from, and in no other.
    """
    from packaging.utils import canonicalize_name

    from pipeline_engine.cli.marketplace.counter import Counter

    counter = Counter.open()
    names = [canonicalize_name(name) for name in packages]
    _go_on(counter, _newer(counter, names), **options)


def _newer(counter: Counter, names: Sequence[str]) -> list[Plan]:
    """What there is for the packages of these names, or for all; newer than what is here."""
    from pipeline_engine.marketplace.choosing import upgrade
    from pipeline_engine.marketplace.installing import planned
    from pipeline_engine.marketplace.refusals import PackageNotFound

    known = counter.memory.installed()
    if strange := next((name for name in names if name not in known), None):
        raise PackageNotFound(f"'{strange}' was not installed from a source.")
    plans = []
    for name in names or sorted(known):
        here = counter.environment.version_of(name)
        if here is None:
            continue
        [shelf] = counter.shelves(known[name]["source"])
        if found := upgrade(shelf.index.packages.get(name, ()), here):
            wanted = f"{name}=={found.release.version}"
            plans.append(planned([shelf], wanted, counter.memory, counter.environment))
    return plans


def _go_on(
    counter: Counter,
    plans: Sequence[Plan],
    *,
    dry_run: bool,
    with_dependencies: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Show what was planned, ask, and do it."""
    from pipeline_engine.marketplace.installing import carry_out, check_dependencies

    wanted = [plan for plan in plans if not plan.is_here]
    if not as_json:
        _show(counter, plans)
    for plan in wanted:
        check_dependencies(plan, with_dependencies=with_dependencies or dry_run)
    if wanted and not dry_run:
        if not yes:
            click.confirm("Install?", abort=True, err=True)
        for plan in wanted:
            carry_out(
                plan,
                counter.memory,
                counter.environment,
                now=counter.now,
                with_dependencies=with_dependencies,
            )
    if as_json:
        done = [plan for plan in wanted if not dry_run]
        print_json([_as_json(counter, plan, done=plan in done) for plan in plans])
    elif wanted and not dry_run:
        _say_what_next(counter, wanted)


def _as_json(counter: Counter, plan: Plan, *, done: bool) -> dict[str, Any]:
    from pipeline_engine.cli.marketplace import told

    isolated = not counter.terms.trusts(plan.release.name)
    return {**told.plan(plan, isolated=isolated), "done": done}


def _show(counter: Counter, plans: Sequence[Plan]) -> None:
    from pipeline_engine.cli.marketplace import told

    if not plans:
        print_line("There is nothing newer.")
    for plan in plans:
        release = plan.release
        instead = f" in place of {plan.replaces}" if plan.replaces and not plan.is_here else ""
        is_here = ", which is installed" if plan.is_here else instead
        print_line(f"{release.name} {release.version} from {plan.source}{is_here}")
        click.echo()
        print_facts([*told.facts(plan.listing), *_of_plan(counter, plan)])
        click.echo()
        print_table("action", "version", "permissions", "", rows=told.actions(plan.listing))
        click.echo()


def _of_plan(counter: Counter, plan: Plan) -> list[tuple[str, object]]:
    trusted = counter.terms.trusts(plan.release.name)
    where = "in the engine's own processes: it is trusted" if trusted else "isolated"
    missing = [("missing", ", ".join(plan.missing))] if plan.missing else []
    return [("verified", "index, record and file"), ("runs", where), *missing]


def _say_what_next(counter: Counter, plans: Sequence[Plan]) -> None:
    print_line("Installed. Processes that run find new actions when they are started again.")
    isolated = [name for plan in plans if not counter.terms.trusts(name := plan.release.name)]
    if isolated:
        names = ",".join([*counter.terms.trusted, *isolated])
        print_line(
            "Actions of packages that are not trusted run in processes of their own. To trust "
            f"them as the engine itself: PIPELINE_TRUSTED_PACKAGES={names}"
        )
