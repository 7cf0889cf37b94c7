"""Examples of the operations on secrets."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, LATER, PAGE, PIPELINE_ID, Example

LISTED_SECRET = {
    "name": "git_token",
    "owner": "ada",
    "description": "Of the account that tags releases",
    "version": 2,
    "lock_version": 2,
    "created_at": AT,
    "created_by": "env:user:ada",
    "updated_at": LATER,
    "updated_by": "env:user:ada",
    "last_used_at": None,
    "used_by": [{"id": PIPELINE_ID, "name": "release"}],
    "used_by_count": 1,
}
SECRET = LISTED_SECRET | {
    "versions": [
        {
            "version": number,
            "created_at": moment,
            "created_by": "env:user:ada",
            "last_used_at": None,
        }
        for number, moment in ((2, LATER), (1, AT))
    ]
}
A_SECRET = {"name": "git_token"}

EXAMPLES: Mapping[str, Example] = {
    "list_secrets": Example(answer={"secrets": [LISTED_SECRET], "pagination": PAGE}),
    "get_secret": Example(path=A_SECRET, answer=SECRET),
    "set_secret": Example(path=A_SECRET, body={"value": "correct horse battery"}, answer=SECRET),
    "restore_secret": Example(
        path=A_SECRET, body={"version": 1}, answer=SECRET | {"version": 1, "lock_version": 3}
    ),
    "delete_secret": Example(path=A_SECRET, answer=SECRET),
}
