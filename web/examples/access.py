"""Examples of the operations on tokens, quotas, the caller and the audit log."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, PAGE, PIPELINE_ID, Example

EXPIRY = "2026-12-31T00:00:00+00:00"
TOKEN = {
    "id": "k3v9d2m7q1xa",
    "name": "dashboard",
    "user_id": "ada",
    "scopes": ["executions:read", "pipelines:read"],
    "pipelines": None,
    "created_by": "env:user:ada",
    "created_at": AT,
    "expires_at": EXPIRY,
    "last_used_at": None,
    "revoked_at": None,
}

EXAMPLES: Mapping[str, Example] = {
    "create_token": Example(
        body={"name": "dashboard", "roles": ["viewer"], "expires_at": EXPIRY},
        answer=TOKEN | {"token": "pe_k3v9d2m7q1xa_…"},
    ),
    "list_tokens": Example(answer={"tokens": [TOKEN], "pagination": PAGE}),
    "get_token": Example(path={"token_id": "k3v9d2m7q1xa"}, answer=TOKEN),
    "revoke_token": Example(path={"token_id": "k3v9d2m7q1xa"}),
    "create_sign_in_link": Example(
        answer={
            "id": "0b8f3c52-6f0d-4a6e-9a51-6f6f3c7f7d11",
            "path": "/console/sign-in?code=…",
            "expires_at": AT,
        },
    ),
    "get_quotas": Example(
        answer={
            "user_id": "ada",
            "quotas": [
                {"name": "open_executions", "limit": 10000, "used": 3},
                {"name": "parked_steps", "limit": None, "used": 1},
                {"name": "stored_bytes", "limit": None, "used": 48211},
            ],
        }
    ),
    "get_caller": Example(
        answer={
            "principal": "token:k3v9d2m7q1xa",
            "user_id": "ada",
            "owners": ["ada"],
            "scopes": ["executions:read", "pipelines:read"],
            "pipelines": None,
            "expires_at": EXPIRY,
        }
    ),
    "read_audit_log": Example(
        answer={
            "records": [
                {
                    "id": 17,
                    "at": AT,
                    "principal": "env:user:ada",
                    "acted_for": "ada",
                    "act": "execution.start",
                    "target": EXECUTION_ID,
                    "owner": "ada",
                    "result": "done",
                    "code": None,
                    "request_id": "4f2d1c",
                    "address": "10.1.2.3",
                    "details": {"pipeline": "release", "pipeline_id": PIPELINE_ID},
                }
            ],
            "next_before": None,
            "next_after": 17,
        }
    ),
}
