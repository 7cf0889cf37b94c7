"""``pipeline-engine issuer``: a small OpenID Connect issuer, to try sign-in with JWTs."""

from __future__ import annotations

import signal
from types import FrameType

import click

from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import print_line

PORT = 9083
AUDIENCE = "pipelines-api"


@click.command(epilog=example("pipeline-engine issuer", "pipeline-engine issuer --algorithm ES256"))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="0 takes any that is free.",
)
@click.option("--audience", default=AUDIENCE, show_default=True, help="For whom tokens are.")
@click.option(
    "--algorithm",
    type=click.Choice(["RS256", "PS256", "ES256", "EdDSA"]),
    default="RS256",
    show_default=True,
    help="What it signs with.",
)
def issuer(port: int, audience: str, algorithm: str) -> None:
    """Run a small OpenID Connect issuer here until Ctrl-C, to try sign-in with JWTs.

    For development only: it gives a token for any user with any role to whoever asks. It
    listens on this machine alone, and each run has keys of its own.
    """
    from pipeline_engine.demo.issuer.server import IssuerServer
    from pipeline_engine.demo.issuer.signing import Mint

    try:
        server = IssuerServer(Mint(audience, algorithm=algorithm), port=port)
    except OSError as error:
        raise click.ClickException(f"Port {port} cannot be used: {error.strerror}.") from error
    signal.signal(signal.SIGTERM, _interrupt)
    for line in announcement(server.url, audience):
        print_line(line)
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def announcement(url: str, audience: str) -> list[str]:
    """What to do with an issuer at *url*."""
    return [
        "An issuer for development: whoever asks on this machine gets any token.",
        "",
        "What web processes have to be told:",
        f"  export PIPELINE_OIDC_ISSUER={url}",
        f"  export PIPELINE_OIDC_AUDIENCE={audience}",
        "",
        "A token for a user with a role, of a group:",
        f"  curl {url}/token -d subject=alice -d roles=operator -d groups=/ops",
        "A new key, and the end of the old ones:",
        f"  curl -X POST {url}/rotate",
        f"  curl -X POST {url}/withdraw",
        "",
        "Ctrl-C stops it.",
    ]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
