"""``pipeline-engine actions try``: one action, alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import (
    Styled,
    json_option,
    keep_log_apart,
    print_error,
    print_facts,
    print_json,
    print_line,
)
from pipeline_engine.cli.params import params_options
from pipeline_engine.cli.states import state
from pipeline_engine.cli.timing import Seconds

if TYPE_CHECKING:
    from pipeline_engine.authoring.trials.trial import Trial
    from pipeline_engine.sdk import ActionMeta

FAILED = 1


class JsonObject(click.ParamType[dict[str, Any]]):
    """A JSON object on the command line."""

    name = "json"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """Read it."""
        try:
            document = json.loads(value)
        except ValueError as error:
            self.fail(f"{value!r} is not JSON: {error}", param, ctx)
        if not isinstance(document, dict):
            self.fail(f"{value!r} is not a JSON object.", param, ctx)
        return document


@click.command(
    "try",
    epilog=example(
        "pipeline-engine actions try log -p message=hello",
        "pipeline-engine actions try ./my_action.py:Greet -p name=Ada",
    ),
)
@click.argument("name", metavar="TYPE|FILE")
@params_options
@click.option(
    "--event",
    "events",
    type=JsonObject(),
    multiple=True,
    help="An event for it, if it parks; repeatable.",
)
@click.option("--timeout", "timeout_seconds", type=Seconds(least=0.1), help="Seconds that it has.")
@click.option("--wake", is_flag=True, help="After the events, let the time come that it waits for.")
@click.option("--cancel", is_flag=True, help="If it is parked at the end, call its cleanup.")
@json_option
@click.pass_context
def try_action(
    ctx: click.Context,
    /,
    name: str,
    pairs: tuple[tuple[str, str], ...],
    params_file: Path | None,
    as_json: bool,
    **wishes: Any,  # fields of a Wish
) -> None:
    """Run one action alone, without servers; exit code 1 if it fails.

    TYPE is that of an installed action, FILE is ./file.py, or ./file.py:CLASS if it has several.
    Params are taken as they are: no templates. Calls go to the peers that PIPELINE_SERVICE_URLS
    names; what takes a running engine is refused.
    """
    from pipeline_engine.authoring.finding import action_meant
    from pipeline_engine.authoring.trials.engine import settings_alone
    from pipeline_engine.authoring.trials.run import tried
    from pipeline_engine.authoring.trials.trial import Wish
    from pipeline_engine.cli.params import given_params
    from pipeline_engine.registry import TRUSTING, Registry

    keep_log_apart()
    # Who tries an action alone wants its code to run here, where a debugger can follow.
    registry = Registry.discover(terms=TRUSTING)
    action = action_meant(name, registry)
    params = given_params(pairs, params_file, _declared(action.meta))
    wish = Wish(params=params, **wishes)
    # config.py alone gives meaning to our environment.
    trial = tried(action, wish, settings_alone(os.environ), registry.get)
    if as_json:
        print_json(_document(action.meta.type, trial))
    else:
        _print(action.meta, trial)
    ctx.exit(0 if trial.ending.is_well else FAILED)


def _declared(meta: ActionMeta) -> Mapping[str, Any]:
    """The params of an action as a pipeline would declare them, to read words by their types."""
    texts = {"string", "template"}
    kinds = {p.name: "string" if p.type in texts else str(p.type) for p in meta.params}
    return {"parameters": [{"name": name, "type": kind} for name, kind in kinds.items()]}


def _document(kind: str, trial: Trial) -> dict[str, Any]:
    return {
        "type": kind,
        "status": trial.ending.value,
        "outputs": trial.outputs,
        "error": trial.error,
        "error_code": trial.error_code,
        "retryable": trial.retryable,
        "waited_for": trial.waited_for,
        "events": [
            {"event": one.event, "meant": one.meant, "note": one.note} for one in trial.heard
        ],
        "progress": [{"percentage": p, "eta_seconds": eta} for p, eta in trial.progress],
        "log": [
            {"level": line.level, "event": line.event, **_plain(line.facts)} for line in trial.log
        ],
        "notes": trial.notes,
        "seconds": trial.seconds,
    }


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(facts, default=str))
    return found


def _print(meta: ActionMeta, trial: Trial) -> None:
    print_line(f"{meta.type} {meta.version}: {meta.description}")
    for line in trial.log:
        print_line(f"log: {line.level} {line}")
    for percentage, eta in trial.progress:
        print_line(f"progress: {percentage:g} %" + (f", {eta:g} s to go" if eta else ""))
    if trial.waited_for is not None:
        print_line(f"parked on {_in_words(trial.waited_for)}")
    for heard in trial.heard:
        said = f"event {json.dumps(heard.event, ensure_ascii=False)}: {heard.meant}"
        print_line(said + (f" ({heard.note})" if heard.note else ""))
    print_line(*_ended(trial))
    if trial.error:
        repeats = ", and it would be tried again" if trial.retryable else ""
        print_error(f"{trial.error} [{trial.error_code}]{repeats}")
    print_facts([(name, _shown(value)) for name, value in trial.outputs.items()])
    for note in trial.notes:
        print_line(f"note: {note}")


def _ended(trial: Trial) -> tuple[Styled | str, ...]:
    from pipeline_engine.authoring.trials.trial import Ending

    if trial.ending is Ending.REFUSED:
        return (state("failed", "before it began: its params do not fit"),)
    timed_out = trial.ending is Ending.TIMED_OUT
    return state("timeout" if timed_out else trial.ending.value), f"after {trial.seconds:g} s"


def _in_words(waited: Mapping[str, Any]) -> str:
    ways = [f"the id {one}" for one in waited["ids"]]
    ways += [f"the event key {one}" for one in waited["keys"]]
    if waited["callback"]:
        ways.append("a call to its callback URL")
    if waited["wake_at"]:
        ways.append(f"the clock, {waited['wake_at']}")
    limit = waited["timeout_seconds"]
    return " or ".join(ways) + (f", for {limit:g} s" if limit else "")


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
