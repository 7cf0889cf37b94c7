"""``keygen``, ``publish``, ``yank`` and ``sign``: an index of one's own."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import json_option, print_facts, print_json, print_line

if TYPE_CHECKING:
    from pipeline_engine.marketplace.publishing.folder import Folder

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(dir_okay=False, path_type=Path)
key_option = click.option(
    "--key", "key", type=FILE, required=True, help="File of keygen, which signs."
)
days_option = click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=90,
    show_default=True,
    help="How long the index is believed before it has to be signed again.",
)
folder_argument = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.command(epilog=example("pipeline-engine marketplace keygen acme.key"))
@click.argument("file", type=FILE)
@json_option
def keygen(file: Path, as_json: bool) -> None:
    """Make a signing key in a new FILE that only you can read, and its public half in FILE.pub.

    Whoever has FILE can publish in your name.
    """
    from pipeline_engine.marketplace.format.signing import SigningKey

    key = SigningKey.generate()
    key.save(file)
    if as_json:
        facts = {"public_key": key.public_text, "fingerprint": key.fingerprint}
        print_json({"file": str(file), **facts})
        return
    print_facts([("public key", key.public_text), ("fingerprint", key.fingerprint)])


@click.command(
    epilog=example("pipeline-engine marketplace publish acme-1.0-py3-none-any.whl index --key k")
)
@click.argument("wheels", type=FILE, nargs=-1, required=True, metavar="WHEEL...")
@folder_argument
@key_option
@click.option("--index-key", type=FILE, help="Signs the index, if that is another key.")
@days_option
@click.option("--name", default="", help="Name of a new index; that of the folder otherwise.")
@json_option
def publish(
    wheels: tuple[Path, ...],
    folder: Path,
    key: Path,
    index_key: Path | None,
    days: int,
    name: str,
    as_json: bool,
) -> None:
    """Put wheels into FOLDER and into the index there, signed; the index is made if need be.

    A package is imported once, in a process of its own, to read what its actions say.
    """
    from pipeline_engine.cli.marketplace import told
    from pipeline_engine.marketplace.format.signing import SigningKey

    releases = SigningKey.load(key)
    index = _folder(folder, index_key or key, days)
    now = datetime.now(UTC)
    done = [index.publish(wheel, releases, now=now, name=name) for wheel in wheels]
    if as_json:
        print_json([told.listing(one) for one in done])
        return
    for release in (one.release for one in done):
        actions = ", ".join(action.type for action in release.actions)
        print_line(f"{release.name} {release.version} is in {folder} with {actions}")


@click.command(
    epilog=example(
        'pipeline-engine marketplace yank index acme-greetings 1.0.0 --key k --reason "Loses mail"'
    )
)
@folder_argument
@click.argument("package")
@click.argument("version")
@key_option
@click.option("--reason", help="Why; whoever asks for it is told.")
@click.option("--undo", is_flag=True, help="Offer it again.")
@days_option
@json_option
def yank(
    folder: Path,
    package: str,
    version: str,
    key: Path,
    reason: str | None,
    undo: bool,
    days: int,
    as_json: bool,
) -> None:
    """Take a release back: nobody installs it any more; where it is installed, it stays."""
    from pipeline_engine.cli.marketplace import told

    if undo == (reason is not None):
        raise click.UsageError("Say why with --reason, or --undo.")
    index = _folder(folder, key, days)
    done = index.yank(package, version, reason, now=datetime.now(UTC))
    if as_json:
        print_json(told.listing(done))
        return
    state = "is offered again" if undo else "was taken back"
    print_line(f"{done.release.name} {done.release.version} {state}")


@click.command(
    epilog=example(
        "pipeline-engine marketplace sign index --key k",
        "pipeline-engine marketplace sign index --key new --former-key BASE64",
    )
)
@folder_argument
@key_option
@click.option("--former-key", help="Public key that signed it before, if that was another one.")
@days_option
@json_option
def sign(folder: Path, key: Path, former_key: str | None, days: int, as_json: bool) -> None:
    """Sign an index again before it expires, or with another key."""
    done = _folder(folder, key, days, former_key).renew(now=datetime.now(UTC))
    if as_json:
        expires_at = done.expires_at.isoformat()
        print_json({"name": done.name, "serial": done.serial, "expires_at": expires_at})
        return
    print_line(f"{done.name} number {done.serial} is good until {done.expires_at:%Y-%m-%d} UTC")


def _folder(path: Path, key: Path, days: int, former_key: str | None = None) -> Folder:
    from pipeline_engine.marketplace.format.signing import SigningKey
    from pipeline_engine.marketplace.publishing.folder import Folder

    try:
        former = (base64.b64decode(former_key, validate=True),) if former_key else ()
    except binascii.Error as error:
        raise click.UsageError("--former-key is no key in base64.") from error
    return Folder(path, SigningKey.load(key), timedelta(days=days), former)
