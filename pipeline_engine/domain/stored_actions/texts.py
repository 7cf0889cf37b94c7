"""The templates of a stored action: they can be parsed, and every name stands for something."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.misuse import refuse_misuse
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.checks.scopes import EXECUTION_PARTS, STEP_PARTS
from pipeline_engine.domain.checks.texts import Kind, Text, texts_of_param
from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.expressions import (
    ExpressionError,
    Reference,
    SecretMisused,
    Template,
    parse_condition,
    parse_template,
)
from pipeline_engine.domain.issues import dotted

#: What templates of a stored action find wherever they stand.
USUAL = frozenset({"inputs", "secrets", "execution", "now"})
EXPOSE_IT = "Name it in exposed_params, and read it as inputs.NAME."
NO_SECRETS = "Expose a param instead: the pipeline that uses the action passes its own secret."
HINTS: Mapping[str, str] = {
    "params": f"The params of a pipeline are not known here. {EXPOSE_IT}",
    "steps": f"The steps of a pipeline are not known here. {EXPOSE_IT}",
    "item": f"The item of a loop is not known here. {EXPOSE_IT}",
    "parameters": EXPOSE_IT,
    "inputs": "The action renders this itself, later: make a template of it, and use that here.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the templates at one place may refer to."""

    inputs: Collection[str]
    roots: frozenset[str] = USUAL
    parts: Collection[str] = ()  #: the steps of the composite that have ended by then
    outputs: Mapping[str, Collection[str]] = field(default_factory=dict)  #: of those, if declared
    of_system: bool = False  #: everybody may use it, so it may name no secret


def texts_of(
    params: Mapping[str, JSON], pointer: str, base: ActionMeta
) -> Iterator[tuple[Text, bool]]:
    """The texts in params of an action, and whether it renders each itself."""
    for name, value in params.items():
        own, declared = name in base.unrendered_params, base.param(name)
        takes_secrets = declared is None or declared.takes_secrets
        for text in texts_of_param(name, value, pointer, conditions=own):
            yield replace(text, takes_secrets=takes_secrets), own


def inputs_read(text: Text) -> Collection[str]:
    """The inputs that a text reads; all (``*``) if it takes them as one object, or is broken."""
    try:
        references = _references_of(text)
    except ExpressionError:
        return ("*",)
    read = (one for one in references if one.root == "inputs")
    return {str(one.path[0]) if one.path else "*" for one in read}


def check_text(text: Text, names: Names, findings: Findings) -> None:
    """Note what is wrong with a text and its references."""
    try:
        references = _references_of(text)
        if _is_secret(text) and not text.takes_secrets:
            raise SecretMisused("A secret cannot be a key, an id or a name, nor be compared.")
    except ExpressionError as error:
        message = f"{dotted(text.pointer)}: {error}"
        findings.error(text.pointer, error.code, message, error.hint)
        return
    for reference in dict.fromkeys(references):
        _check_reference(reference, text.pointer, names, findings)


def _references_of(text: Text) -> Collection[Reference]:
    if text.kind is Kind.CONDITION:
        return parse_condition(text.text).references
    return parse_template(text.text).references


def _is_secret(text: Text) -> bool:
    """Whether what a text makes is a secret. Raises ``SecretMisused``."""
    if text.kind is Kind.CONDITION:
        verdict = parse_condition(text.text).verdict
        return isinstance(verdict, Template) and refuse_misuse(verdict, ())
    return refuse_misuse(parse_template(text.text), ())


def _check_reference(reference: Reference, pointer: str, names: Names, findings: Findings) -> None:
    root, path = reference.root, [str(key) for key in reference.path]
    if root not in names.roots:
        hint = HINTS.get(root) or findings.did_you_mean(root, names.roots)
        message = f"{dotted(pointer)}: Unknown name: {shown(root)}"
        findings.error(pointer, "unknown_root", message, hint)
    elif root == "secrets" and names.of_system:
        message = f"{dotted(pointer)}: An action of the system, which all may use, names no secret"
        findings.error(pointer, "secret_not_allowed", message, NO_SECRETS)
    elif root == "inputs" and path and path[0] not in names.inputs:
        hint = findings.did_you_mean(path[0], names.inputs)
        findings.error(
            pointer, "unknown_input", f"Unknown input: {shown(path[0])}", hint or EXPOSE_IT
        )
    elif root == "steps":
        _check_part(path, pointer, names, findings)
    elif root == "execution" and path and path[0] not in EXECUTION_PARTS:
        hint = findings.did_you_mean(path[0], EXECUTION_PARTS)
        message = f"{dotted(pointer)}: An execution has no '{shown(path[0])}' here"
        findings.error(pointer, "unknown_execution_field", message, hint)


def _check_part(path: list[str], pointer: str, names: Names, findings: Findings) -> None:
    if not path:
        return
    if path[0] not in names.parts:
        hint = findings.did_you_mean(path[0], names.parts)
        message = f"No step '{shown(path[0])}' of this action has ended before"
        findings.error(pointer, "unknown_step", message, hint or "They run in their order.")
        return
    if len(path) > 1 and path[1] not in STEP_PARTS:
        usual = "There are outputs, status and error."
        hint = findings.did_you_mean(path[1], STEP_PARTS) or usual
        message = f"{dotted(pointer)}: A step has no '{shown(path[1])}'"
        findings.error(pointer, "unknown_step_field", message, hint)
    declared = names.outputs.get(path[0])
    if declared and len(path) > 2 and path[1] == "outputs" and path[2] not in declared:
        message = f"{dotted(pointer)}: Step '{path[0]}' leaves no '{shown(path[2])}'"
        there = f"It leaves {', '.join(declared)}."
        hint = findings.did_you_mean(path[2], declared) or there
        findings.error(pointer, "unknown_output", message, hint)


def without_secrets(text: Text) -> Text:
    """A text whose value is stored or shown."""
    return replace(text, takes_secrets=False)
