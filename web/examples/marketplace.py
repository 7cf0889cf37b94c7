"""Examples of the operations on packages of actions."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, PAGE, Example

PACKAGE = {
    "name": "acme-greetings",
    "source": "acme",
    "summary": "Greets people",
    "version": "1.1.0",
    "actions": ["acme_greet"],
    "requiredPermissions": ["model:write"],
    "installedVersion": "1.0.0",
    "hasUpdate": True,
}
RELEASE = {
    "version": "1.1.0",
    "publishedAt": AT,
    "yanked": None,
    "signedBy": "SHA256:DFmUmo/tPPnZTpPwjO6BXpjiyhOtbvpZknG1ek66c2w",
    "file": "acme_greetings-1.1.0-py3-none-any.whl",
    "sha256": "d43925f951d8baeca3adce541485427e310041bc433a1be778942b0bbff1c723",
    "size": 2101,
    "requiresPython": ">=3.11",
    "requiresEngine": ">=0.1",
    "dependencies": [],
    "requiredPermissions": ["model:write"],
    "obstacles": [],
    "actions": [
        {
            "type": "acme_greet",
            "version": "1.1.0",
            "name": "Greet",
            "category": "Acme",
            "description": "Greets somebody",
            "aliases": [],
            "executionMode": "sync",
            "idempotent": True,
            "requiredPermissions": ["model:write"],
            "requiredServices": [],
            "params": [{"name": "name", "type": "string", "required": True, "description": ""}],
            "outputs": [
                {"name": "said", "type": "string", "required": False, "description": "The words"}
            ],
        }
    ],
}

EXAMPLES: Mapping[str, Example] = {
    "list_packages": Example(
        answer={
            "packages": [PACKAGE],
            "sources": [{"name": "acme", "readAt": AT, "error": None}],
            "pagination": PAGE,
        }
    ),
    "get_package": Example(
        path={"name": "acme-greetings"}, answer={**PACKAGE, "releases": [RELEASE]}
    ),
}
