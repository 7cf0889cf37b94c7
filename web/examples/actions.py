"""Examples of the operations on actions."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, Example

LOG = {
    "type": "log",
    "version": "1.0.0",
    "versions": ["1.0.0"],
    "package": "pipeline-engine",
    "packageVersion": "1.0.0",
    "name": "Log",
    "description": "Write a message to the log",
    "category": "Control Flow",
    "icon": "git-branch",
    "color": "#6b7280",
    "params": [{"name": "message", "label": "Message", "type": "string", "required": True}],
    "outputs": [{"name": "message", "type": "string", "description": "What was logged"}],
    "executionMode": "sync",
    "idempotent": True,
    "deprecated": False,
    "deprecationMessage": None,
    "replacedBy": None,
}

NOTIFY = {
    "type": "custom_notification",
    "name": "Custom Notification",
    "category": "Integration",
    "template": "http_request",
    "defaults": {
        "method": "POST",
        "url": "https://hooks.example.com/in",
        "body": {"text": "{{ inputs.message }}"},
    },
    "exposed_params": ["message"],
}
STORED = LOG | {
    "type": "custom_notification",
    "version": "1",
    "versions": ["1"],
    "package": None,
    "packageVersion": None,
    "name": "Custom Notification",
    "description": "HTTP Request, with params filled in.",
    "category": "Integration",
    "params": [{"name": "message", "label": "Message", "type": "string", "required": True}],
    "stored": {
        "owner": "ada",
        "lockVersion": 1,
        "createdAt": AT,
        "createdBy": "env:user:ada",
        "updatedAt": AT,
        "updatedBy": "env:user:ada",
    },
    "definition": NOTIFY,
}
A_STORED_ACTION = {"action_type": "custom_notification"}

EXAMPLES: Mapping[str, Example] = {
    "create_action": Example(body=NOTIFY, answer=STORED),
    "replace_action": Example(path=A_STORED_ACTION, body=NOTIFY, answer=STORED),
    "delete_action": Example(path=A_STORED_ACTION),
    "list_action_versions": Example(
        path=A_STORED_ACTION,
        answer={
            "versions": [
                {
                    "version": "1",
                    "definition": NOTIFY,
                    "actions": {"http_request": {"version": "1.0.0"}},
                    "createdAt": AT,
                    "createdBy": "env:user:ada",
                }
            ]
        },
    ),
    "list_actions": Example(
        answer={
            "actions": [LOG],
            "categories": [{"name": "Control Flow", "icon": "git-branch", "actions": [LOG]}],
            "broken": [],
            "total": 1,
        }
    ),
    "get_action": Example(path={"action_type": "log"}, answer=LOG),
    "get_schema": Example(
        answer={
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "urn:pipeline-engine:schema:definition",
            "title": "PipelineDefinition",
            "type": "object",
            "required": ["name", "steps"],
        }
    ),
    "validate_params": Example(
        body={"actionType": "log", "params": {"message": "Ready"}},
        answer={"valid": True, "errors": []},
    ),
}
