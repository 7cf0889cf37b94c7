"""Examples of the operations on actions."""

from __future__ import annotations

from collections.abc import Mapping

from .example import Example

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

EXAMPLES: Mapping[str, Example] = {
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
