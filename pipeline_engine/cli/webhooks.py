"""``pipeline-engine webhooks``: doors by which third parties start pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline_engine.cli import completion
from pipeline_engine.cli.connection import connected
from pipeline_engine.cli.documents import read_value
from pipeline_engine.cli.group import example
from pipeline_engine.cli.naming import Pair
from pipeline_engine.cli.output import (
    age,
    json_option,
    print_facts,
    print_json,
    print_line,
    print_table,
    printable,
    when,
)
from pipeline_engine.cli.params import changed_params, given_params

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_engine.client import Client

FORMS = ("secret", "standard", "hub")
#: Options that say the same as a field of ``config``, and how the field is called.
LISTS = {"accept": "accepts", "allow": "allowed_ips", "header": "headers_to_include"}
SINGLE = ("dedupe_key", "repeat_seconds", "max_per_minute")
UNSET = ("allowed_ips", "map", *SINGLE)


@click.group()
def webhooks() -> None:
    """Let third parties start pipelines.

    A webhook is named by its id, or by its name if no other has it.
    """


def _config_options(command: Callable[..., None]) -> Callable[..., None]:
    """What a webhook is made of."""
    for option in reversed(
        (
            click.option(
                "--accept",
                multiple=True,
                type=click.Choice(FORMS),
                help="A proof that counts (hub: GitHub).",
            ),
            click.option("--allow", multiple=True, help="An address or network that may call."),
            click.option("--header", multiple=True, help="A header that becomes a param."),
            click.option(
                "--map", "mapped", type=Pair(), multiple=True, help="PARAM=TEMPLATE over body …"
            ),
            click.option("--dedupe-key", help="A template; requests with the same value are one."),
            click.option("--repeat-seconds", type=int, help="An equal body counts once so long."),
            click.option("--max-per-minute", type=int, help="Requests with a right secret."),
            click.option(
                "-p", "--param", "pairs", type=Pair(), multiple=True, help="One param; repeatable."
            ),
            click.option("--description", help="What it is for."),
        )
    ):
        command = option(command)
    return command


secret_option = click.option(
    "--secret-file",
    type=click.File(),
    help="Where the secret stands that the sender has; - is standard input.",
)


@webhooks.command(
    epilog=example(
        "pipeline-engine webhooks create on-push deploy --accept hub"
        " --map 'commit={{ body.after }}'"
    )
)
@click.argument("name")
@click.argument("pipeline", shell_complete=completion.pipelines)
@_config_options
@secret_option
@click.option("--no-secret", is_flag=True, help="Let everybody call it who knows the address.")
@click.option("--disabled", is_flag=True, help="Do not let it start anything yet.")
@json_option
@connected
def create(
    client: Client,
    /,
    name: str,
    pipeline: str,
    secret_file: Any,
    no_secret: bool,
    disabled: bool,
    as_json: bool,
    **said: Any,
) -> None:
    """Start PIPELINE whenever somebody calls the address that this prints.

    Without a file the secret is made here. It is printed once.
    """
    starts = client.find_pipeline(pipeline)
    body = {"name": name, "pipeline_id": starts["id"], **_wanted(said)}
    if said["pairs"]:
        body["params"] = given_params(said["pairs"], None, starts["dag"])
    body["config"] = body.get("config", {}) | {"require_secret": not no_secret}
    body["enabled"] = not disabled
    if secret_file:
        body["secret"] = secret_file.read().strip()
    _tell_once(client.webhooks.create(**body), is_known=bool(secret_file), as_json=as_json)


@webhooks.command(epilog=example("pipeline-engine webhooks change on-push --max-per-minute 60"))
@click.argument("webhook", shell_complete=completion.webhooks)
@click.option("--name", help="What it is called from now on.")
@click.option("--pipeline", shell_complete=completion.pipelines, help="What it starts.")
@_config_options
@click.option("--unset", multiple=True, type=click.Choice(UNSET), help="What is to be no more.")
@json_option
@connected
def change(
    client: Client,
    /,
    webhook: str,
    name: str | None,
    pipeline: str | None,
    unset: tuple[str, ...],
    as_json: bool,
    **said: Any,
) -> None:
    """Change what is given; the rest stays. It has the rights of who changed it last."""
    found, body = client.webhooks.find(webhook), _wanted(said)
    if name:
        body["name"] = name
    starts = client.find_pipeline(pipeline) if pipeline else None
    if starts:
        body["pipeline_id"] = starts["id"]
    if said["pairs"]:
        body["params"] = changed_params(client, found, said["pairs"], starts)
    if unset:
        body["config"] = body.get("config", {}) | dict.fromkeys(unset)
    _tell(client.webhooks.change(found["id"], **body), as_json=as_json)


@webhooks.command("list", epilog=example("pipeline-engine webhooks list"))
@json_option
@connected
def list_webhooks(client: Client, as_json: bool) -> None:
    """List webhooks, newest first: what each has started, and when."""
    found = client.webhooks.list()
    if as_json:
        print_json(found)
        return
    rows = (
        (
            one["id"],
            one["name"],
            _state(one),
            one["trigger_count"],
            age(one["last_triggered_at"]),
        )
        for one in found
    )
    print_table("id", "webhook", "state", "started", "last", rows=rows)


@webhooks.command(epilog=example("pipeline-engine webhooks show on-push"))
@click.argument("webhook", shell_complete=completion.webhooks)
@json_option
@connected
def show(client: Client, webhook: str, as_json: bool) -> None:
    """Show a webhook: its address, whom it lets in, what it gives; its secrets by id only."""
    found = client.webhooks.find(webhook)
    if as_json:
        print_json(found)
        return
    print_line(f"{found['name']}  {_state(found)}  {found['id']}")
    print_line(found["endpoint_url"])
    click.echo()
    config = found["config"]
    rows = [(n, _said(v)) for n, v in config.items() if n != "map" and v not in (None, [])]
    rows += [(f"map {name}", value) for name, value in (config["map"] or {}).items()]
    rows += [(f"param {name}", value) for name, value in found["params"].items()]
    rows += [(f"secret {one['id']}", _life(one)) for one in found["secrets"]]
    print_facts(rows)


@webhooks.command(epilog=example("pipeline-engine webhooks enable on-push"))
@click.argument("webhook", shell_complete=completion.webhooks)
@json_option
@connected
def enable(client: Client, webhook: str, as_json: bool) -> None:
    """Let a webhook start something for what comes from now on."""
    found = client.webhooks.find(webhook)
    _tell(client.webhooks.change(found["id"], enabled=True), as_json=as_json)


@webhooks.command(epilog=example("pipeline-engine webhooks disable on-push"))
@click.argument("webhook", shell_complete=completion.webhooks)
@json_option
@connected
def disable(client: Client, webhook: str, as_json: bool) -> None:
    """Answer 403 to whoever calls, until it is enabled again."""
    found = client.webhooks.find(webhook)
    _tell(client.webhooks.change(found["id"], enabled=False), as_json=as_json)


@webhooks.command(
    "rotate-secret",
    epilog=example("pipeline-engine webhooks rotate-secret on-push --overlap-seconds 600"),
)
@click.argument("webhook", shell_complete=completion.webhooks)
@click.option(
    "--overlap-seconds",
    type=click.IntRange(min=0),
    default=3600,
    show_default=True,
    help="For how long those before count yet.",
)
@secret_option
@json_option
@connected
def rotate_secret(
    client: Client, webhook: str, overlap_seconds: int, secret_file: Any, as_json: bool
) -> None:
    """Give it a new secret, printed once."""
    found = client.webhooks.find(webhook)
    wanted = {"secret": secret_file.read().strip()} if secret_file else {}
    made = client.webhooks.rotate_secret(found["id"], overlap_seconds=overlap_seconds, **wanted)
    _tell_once(made, is_known=bool(secret_file), as_json=as_json)


@webhooks.command("revoke-secret", epilog=example("pipeline-engine webhooks revoke-secret on-push"))
@click.argument("webhook", shell_complete=completion.webhooks)
@click.option("--secret-id", help="Which one; otherwise all but the newest.")
@json_option
@connected
def revoke_secret(client: Client, webhook: str, secret_id: str | None, as_json: bool) -> None:
    """End secrets now: the next request with one is refused."""
    found = client.webhooks.find(webhook)
    left = client.webhooks.revoke_secret(found["id"], secret_id)
    if as_json:
        print_json(left)
        return
    good = [one["id"] for one in left["secrets"] if not one["revoked_at"]]
    print_line(f"{left['name']} has {', '.join(good) or 'no secret'} left")


@webhooks.command(
    epilog=example("pipeline-engine webhooks test on-push --body params.json --dry-run")
)
@click.argument("webhook", shell_complete=completion.webhooks)
@click.option(
    "--body",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the JSON that is sent.",
)
@click.option("--header", type=Pair(), multiple=True, help="NAME=VALUE; repeatable.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and start nothing.")
@json_option
@connected
def test(
    client: Client,
    webhook: str,
    body: Path | None,
    header: tuple[tuple[str, str], ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Let a body come in as if it had come with a right secret; exit code 1 if it does not fit."""
    found = client.webhooks.find(webhook)
    sent = read_value(body.read_text()) if body else None
    tried = client.webhooks.test(found["id"], sent, headers=dict(header), dry_run=dry_run)
    if as_json:
        print_json(tried)
    else:
        rows = [(f"param {name}", value) for name, value in tried["params"].items()]
        rows += [("dedupe key", tried["dedupe_key"] or "-")]
        print_facts([*rows, ("execution", tried["execution_id"] or "none was started")])
        for problem in tried["problems"]:
            print_line(problem["message"])
    if tried["problems"]:
        click.get_current_context().exit(1)


@webhooks.command(epilog=example("pipeline-engine webhooks deliveries on-push --outcome refused"))
@click.argument("webhook", shell_complete=completion.webhooks)
@click.option("--outcome", help="Only these: pending, started, refused, duplicate.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@json_option
@connected
def deliveries(
    client: Client, webhook: str, outcome: str | None, limit: int, as_json: bool
) -> None:
    """List what came in last, and what became of each."""
    found = client.webhooks.find(webhook)
    wanted = {"page_size": limit, **({"outcome": outcome} if outcome else {})}
    page = client.webhooks.deliveries(found["id"], **wanted)
    if as_json:
        print_json(page)
        return
    rows = (
        (
            one["id"],
            age(one["received_at"]),
            one["outcome"],
            one["duplicates"],
            one["execution_id"],
            one["message"] or one["execution_status"] or "-",
        )
        for one in page["deliveries"]
    )
    print_table("id", "came", "outcome", "again", "execution", "", rows=rows)


@webhooks.command(epilog=example("pipeline-engine webhooks delete on-push --yes"))
@click.argument("webhook", shell_complete=completion.webhooks)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@connected
def delete(client: Client, webhook: str, yes: bool, as_json: bool) -> None:
    """Delete a webhook with its secrets and the list of what came; what was started goes on."""
    found = client.webhooks.find(webhook)
    if not yes:
        click.confirm(f"Delete {printable(found['name'])}?", abort=True)
    client.webhooks.delete(found["id"])
    if as_json:
        print_json({"id": found["id"]})
    else:
        click.echo("deleted")


def _wanted(said: dict[str, Any]) -> dict[str, Any]:
    """The body of a request, of what was said on the line."""
    config: dict[str, Any] = {
        field: list(said[option]) for option, field in LISTS.items() if said[option]
    }
    config |= {name: said[name] for name in SINGLE if said[name] is not None}
    if said["mapped"]:
        config["map"] = dict(said["mapped"])
    body: dict[str, Any] = {"config": config} if config else {}
    if said["description"] is not None:
        body["description"] = said["description"]
    return body


def _tell(webhook: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(webhook)
    else:
        print_line(f"{webhook['name']} is {_state(webhook)}, {webhook['id']}")


def _tell_once(made: dict[str, Any], *, is_known: bool, as_json: bool) -> None:
    """Show what was made, and its secret, unless whoever typed this has brought it."""
    if as_json:
        print_json(made)
        return
    click.echo(f"address: {made['endpoint_url']}")
    if made["secret"] and not is_known:
        click.echo(f"secret: {made['secret']}")
        click.echo(f"of Standard Webhooks: {made['standard_secret']}")
        click.echo("Nobody can read the secret again: keep it now.", err=True)


def _state(webhook: dict[str, Any]) -> str:
    if webhook["enabled"]:
        return "enabled"
    return f"disabled ({webhook['disabled_reason']})" if webhook["disabled_reason"] else "disabled"


def _life(secret: dict[str, Any]) -> str:
    if secret["revoked_at"]:
        return f"revoked {when(secret['revoked_at'])}"
    made = f"made {when(secret['created_at'])}"
    return f"{made}, good until {when(secret['expires_at'])}" if secret["expires_at"] else made


def _said(value: object) -> object:
    """A value of ``config`` in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else value
