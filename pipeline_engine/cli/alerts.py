"""``pipeline-engine alerts``: what is wrong with executions, and what is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import age, json_option, print_json, print_line, print_table
from pipeline_engine.cli.output import span as whole_span

if TYPE_CHECKING:
    from pipeline_engine.client import Client
    from pipeline_engine.client.http import Json

after_option = click.option("--after", type=float, help="Longer than so many seconds.")
times_option = click.option(
    "--times-p95", type=float, help="Longer than so many times what 95 of 100 took at most."
)


@click.group()
def alerts() -> None:
    """Be told when executions are late, fail, or have a step parked for too long.

    A rule is named by its id, or by its name if no other has it.
    """


@alerts.command("list", epilog=example("pipeline-engine alerts list"))
@click.option("--all", "with_resolved", is_flag=True, help="Those that are over, too.")
@click.option("--pipeline", shell_complete=completion.pipelines, help="Only of this pipeline.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@json_option
@connected
def list_alerts(
    client: Client, with_resolved: bool, pipeline: str | None, limit: int, as_json: bool
) -> None:
    """List what is wrong, newest first."""
    wanted: dict[str, Any] = {"page_size": limit} | ({} if with_resolved else {"status": "open"})
    if pipeline:
        wanted["pipeline_id"] = client.find_pipeline(pipeline)["id"]
    found = client.alerts(**wanted)
    if as_json:
        print_json(found)
        return
    rows = (
        (
            one["kind"],
            one["rule_name"],
            age(one["raised_at"]),
            age(one["resolved_at"]) if one["resolved_at"] else "open",
            one["execution_id"],
            _remarks(one["details"]),
        )
        for one in found["alerts"]
    )
    print_table("alert", "rule", "raised", "over", "execution", "", rows=rows)


@alerts.command(epilog=example("pipeline-engine alerts rules"))
@json_option
@connected
def rules(client: Client, as_json: bool) -> None:
    """List alert rules, newest first."""
    found = client.alert_rules()
    if as_json:
        print_json(found)
        return
    rows = (
        (
            one["id"],
            one["name"],
            one["kind"],
            one["pipeline_name"],
            _limit(one),
            "enabled" if one["enabled"] else "disabled",
            one["open_alerts"],
        )
        for one in found
    )
    print_table("id", "rule", "tells", "pipeline", "after", "state", "open", rows=rows)


@alerts.command(
    epilog=example("pipeline-engine alerts create slow release --kind late --times-p95 2")
)
@click.argument("name")
@click.argument("pipeline", shell_complete=completion.pipelines)
@click.option("--kind", type=click.Choice(["late", "failed", "parked"]), required=True)
@after_option
@times_option
@json_option
@connected
def create(
    client: Client,
    name: str,
    pipeline: str,
    kind: str,
    after: float | None,
    times_p95: float | None,
    as_json: bool,
) -> None:
    """Watch the executions of PIPELINE from now on."""
    wanted = client.find_pipeline(pipeline)
    body = {"name": name, "pipeline_id": wanted["id"], "kind": kind, **_limits(after, times_p95)}
    _tell(client.create_alert_rule(**body), as_json=as_json)


@alerts.command(epilog=example("pipeline-engine alerts change slow --after 600"))
@click.argument("rule")
@click.option("--name", help="What it is called from now on.")
@after_option
@times_option
@click.option("--enable/--disable", "enabled", default=None, help="Whether it watches at all.")
@json_option
@connected
def change(
    client: Client,
    rule: str,
    name: str | None,
    after: float | None,
    times_p95: float | None,
    enabled: bool | None,
    as_json: bool,
) -> None:
    """Change what is given; the rest stays."""
    body: dict[str, Any] = _limits(after, times_p95)
    body |= {} if name is None else {"name": name}
    body |= {} if enabled is None else {"enabled": enabled}
    found = client.find_alert_rule(rule)
    _tell(client.change_alert_rule(found["id"], **body), as_json=as_json)


@alerts.command(epilog=example("pipeline-engine alerts delete slow --yes"))
@click.argument("rule")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@connected
def delete(client: Client, rule: str, yes: bool, as_json: bool) -> None:
    """Delete a rule with its alerts."""
    found = client.find_alert_rule(rule)
    if not yes:
        click.confirm(f"Delete {found['name']!r} ({found['id']})?", abort=True)
    client.delete_alert_rule(found["id"])
    if as_json:
        print_json(found)
    else:
        click.echo("deleted")


def span(seconds: float) -> str:
    """A length of time in its largest unit."""
    return whole_span(round(seconds))


def _limits(after: float | None, times_p95: float | None) -> dict[str, Any]:
    said = {"after_seconds": after, "times_p95": times_p95}
    return {name: value for name, value in said.items() if value is not None}


def _tell(stored: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(stored)
    else:
        state = "enabled" if stored["enabled"] else "disabled"
        print_line(f"{stored['name']} is {state}, {stored['id']}")


def _limit(rule: Json) -> str:
    said = []
    if rule["after_seconds"] is not None:
        said.append(span(rule["after_seconds"]))
    if rule["times_p95"] is not None:
        usual = rule["usual_seconds"]
        known = "not known yet" if usual is None else f"now {span(usual)}"
        said.append(f"{rule['times_p95']:g} x p95 ({known})")
    return ", ".join(said) or "-"


def _remarks(details: Json) -> str:
    remarks = (
        str(details.get("step_id") or details.get("failed_step") or ""),
        str(details.get("error_code") or ""),
        f"{span(details['seconds'])} of {span(details['limit'])}" if "limit" in details else "",
    )
    return "  ".join(remark for remark in remarks if remark)
