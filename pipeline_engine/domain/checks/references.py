"""Templates and conditions can be parsed, and every name in them stands for something."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pipeline_engine.domain.action_params import may_park
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.given_values import GivenValue, given_values
from pipeline_engine.domain.checks.misuse import refuse_misuse
from pipeline_engine.domain.checks.nodes import Node
from pipeline_engine.domain.checks.outline import Outline, Use
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.checks.scopes import (
    AT_THE_END,
    ERROR_PARTS,
    NAMES,
    OWN_PARTS,
    STEP_PARTS,
    WHERE_PARKED,
    Place,
    Scope,
    scope_of,
    scope_of_block_outputs,
    scope_of_given_values,
    scope_of_notify,
    scope_of_outputs,
    scope_of_pipeline_key,
    scope_of_undoing,
)
from pipeline_engine.domain.checks.step_outputs import Leavings, OutputLook
from pipeline_engine.domain.checks.texts import (
    Kind,
    Text,
    condition_and_items,
    item_key_of,
    notices_of,
    texts_in,
    texts_of_param,
)
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
from pipeline_engine.domain.standing_orders import TRIGGER

#: What has to be one template, since its value counts: what that is, and an example.
NATIVE: Mapping[Kind, tuple[str, str]] = {
    Kind.ITEMS: ("a list", "{{ params.urls }}"),
    Kind.VALUE: ("the value", "{{ params.seconds }}"),
}
IN_LOOPS = (
    "It exists only in the params and in for_each.key of a step with for_each, in the steps of a"
    " block with for_each, and in what actions such as for_each and filter render for each item."
)
IN_ROUNDS = (
    "It exists only in what 'while' renders for each round, and in the steps of a block with while."
)
MUST_BE_PLAIN = "Take what is no secret here: this is stored, shown or compared."
ONLY_PARAMS = "Only params are known here."
STORE_IT = "Store it, unless it is there by then: pipeline-engine secrets set NAME."
ROOT_HINTS: Mapping[str, str] = {
    "item": IN_LOOPS,
    "item_index": IN_LOOPS,
    "item_key": "It exists only in the params of a step with for_each, and in the steps of a block"
    " with for_each.",
    "index": "The number of an item is 'item_index', that of a round of while is 'iteration'.",
    "result": IN_ROUNDS,
    "iteration": IN_ROUNDS,
    "failures": IN_ROUNDS,
    "carry": f"{IN_ROUNDS[:-1]}, if it has a 'carry'.",
    "round": "The number of a round of while is 'iteration'.",
    "callback_url": "It exists only in the params of an action that waits for the outside world,"
    " such as approval, wait_for_event, or http_request with wait_for_callback.",
    "error": "It exists only in the outputs of an entry of catch; a later step has"
    " 'steps.<id>.error', and handlers have 'execution.error'.",
    "event": "It exists only in what the action 'wait_for_event' renders when its event comes;"
    " a later step finds it in 'steps.<id>.outputs.event'.",
    "loop": IN_LOOPS,
    "secrets": "Secrets never leave the worker.",
    "workflow": "Use 'execution' or 'params'.",
    "inputs": "Use 'params'.",
    "parameters": "Use 'params'.",
    "step": "Use 'steps'.",
    "outputs": "Use 'steps.<id>.outputs'.",
}


def check_references(
    outline: Outline,
    actions: ActionCatalogue,
    findings: Findings,
    secrets: Collection[str] | None = None,
) -> None:
    """Note every text that cannot be parsed and every reference that leads nowhere."""
    found = tuple(_scoped_texts(outline, actions))
    most = findings.limits.max_templates
    if len(found) > most:
        message = f"The definition has more than {most} templates and conditions"
        findings.error("", "too_many_templates", message)
        return
    leavings = Leavings(actions)
    for scope, text in found:
        for reference in _references(text, outline, findings):
            _Look(reference, text, scope, outline, leavings, findings, secrets).check()


def _scoped_texts(outline: Outline, actions: ActionCatalogue) -> Iterator[tuple[Scope, Text]]:
    for node in outline.nodes:
        scope = scope_of(node, outline)
        yield from ((scope, text) for text in condition_and_items(node))
        of_key = scope.at(Place.ITEM_KEY)
        yield from ((of_key, text) for text in item_key_of(node))
        of_step_key = scope.at(Place.STEP_KEY)
        given, at = node.body.get("concurrency"), f"{node.pointer}/concurrency"
        yield from ((of_step_key, text) for text in _concurrency_key(given, at))
        of_notify = scope_of_notify(node, scope)
        yield from ((of_notify, text) for text in notices_of(node))
        of_catch = scope.at(Place.CATCH)
        for pointer, entry in node.catches:
            outputs = texts_in(entry.get("outputs"), f"{pointer}/outputs")
            yield from ((of_catch, text) for text in outputs)
        if node.is_block:
            of_outputs = scope_of_block_outputs(node, scope, outline)
            outputs = texts_in(node.outputs, f"{node.pointer}/outputs")
            yield from ((of_outputs, text) for text in outputs)
    for use in outline.uses:
        meta = use.meta(actions)
        yield from _params(use, meta, outline, actions)
    of_key = scope_of_pipeline_key()
    yield from ((of_key, t) for t in _concurrency_key(outline.concurrency, "/concurrency"))
    of_start = scope_of_given_values()
    yield from ((of_start, _given(value)) for value in given_values(outline.document))
    scope = scope_of_outputs(outline)
    yield from ((scope, text) for text in texts_in(outline.outputs, "/outputs"))


def _given(value: GivenValue) -> Text:
    kind = Kind.TEMPLATE if value.takes_text else Kind.VALUE
    return Text(value.pointer, value.template, kind, takes_secrets=False)


def _concurrency_key(given: JSON, pointer: str) -> Iterator[Text]:
    if isinstance(given, Mapping):
        for text in texts_in(given.get("key"), f"{pointer}/key"):
            yield replace(text, takes_secrets=False)


def _params(
    use: Use, meta: ActionMeta | None, outline: Outline, actions: ActionCatalogue
) -> Iterator[tuple[Scope, Text]]:
    unrendered = meta.unrendered_params if meta else frozenset()
    scope = scope_of(use.node, outline)
    if use.undoes:
        scope = scope_of_undoing(use.node, scope)
    is_item = use.node.body.get("for_each") is not None and not use.undoes
    if use.undoes:
        is_item = use.node.compensation.get("per_item") is True
    rendered = scope.at(Place.ITEM) if is_item else scope
    by_action = replace(rendered, roots=rendered.roots | (_added(use, meta) if meta else set()))
    elsewhere = _elsewhere(meta) if meta else {}
    for name, value in use.params.items():
        own = name in unrendered
        declared = meta.param(name) if meta else None
        takes_secrets = declared is None or declared.takes_secrets
        at = by_action if own else replace(rendered, elsewhere=elsewhere)
        if _is_answered(use, name, meta, actions):
            at = replace(at, roots=at.roots | WHERE_PARKED)
        for text in texts_of_param(name, value, use.params_at, conditions=own):
            lacks = _lacking(text, use, meta) - scope.told if own and meta else frozenset()
            yield replace(at, roots=at.roots - lacks), replace(text, takes_secrets=takes_secrets)


def _elsewhere(meta: ActionMeta) -> dict[str, str]:
    """Where the names of an action are, for those who use them in another param."""
    params = ", ".join(sorted(meta.unrendered_params))
    return dict.fromkeys(meta.adds_names, f"Of '{meta.type}' it exists only in: {params}.")


def _added(use: Use, meta: ActionMeta) -> set[str]:
    """The names that an action adds in a step with these params."""
    needs = meta.names_need
    return {n for n in meta.adds_names if n not in needs or use.params.get(needs[n]) is not None}


def _lacking(text: Text, use: Use, meta: ActionMeta) -> frozenset[str]:
    """Those among them that do not exist where a text stands."""
    for place, names in meta.lacks_names.items():
        pointer = f"{use.params_at}/{place}"
        if text.pointer == pointer or text.pointer.startswith(f"{pointer}/"):
            return names
    return frozenset()


def _is_answered(use: Use, name: str, meta: ActionMeta | None, actions: ActionCatalogue) -> bool:
    """Whether what a param is given to waits for the outside; an unknown action may."""
    if meta is None or use.params_open:
        return True
    if meta.inner is None or meta.inner.params is None:
        return may_park(meta, use.params)
    if name != meta.inner.params:
        return False
    inner = use.inner(meta)
    return inner is None or _is_answered(inner, "", inner.meta(actions), actions)


def _references(text: Text, outline: Outline, findings: Findings) -> Iterable[Reference]:
    """What a text refers to, each once; nothing if it cannot be parsed or misuses a secret."""
    try:
        if text.kind is Kind.CONDITION:
            condition = parse_condition(text.text)
            if isinstance(condition.verdict, Template):
                refuse_misuse(condition.verdict, outline.secret_parameters)
            return dict.fromkeys(condition.references)
        template = parse_template(text.text)
        is_secret = refuse_misuse(template, outline.secret_parameters)
        if is_secret and not text.takes_secrets:
            raise SecretMisused(
                "A secret cannot be a key, an id or a name, nor be compared.", hint=MUST_BE_PLAIN
            )
    except ExpressionError as error:
        message = f"{dotted(text.pointer)}: {error}"
        findings.error(text.pointer, error.code, message, error.hint)
        return ()
    if text.kind in NATIVE and not template.is_native:
        noun, example = NATIVE[text.kind]
        message = f"Input should be one template that gives {noun}"
        findings.field_error(text.pointer, "wrong_type", message, f'Such as "{example}".')
    return dict.fromkeys(template.references)


@dataclass(frozen=True, slots=True)
class _Look:
    """One reference at one place."""

    reference: Reference
    text: Text
    scope: Scope
    outline: Outline
    leavings: Leavings
    findings: Findings
    secrets: Collection[str] | None  #: those that the owner has; None if they are unknown here

    @property
    def pointer(self) -> str:
        """Where it stands."""
        return self.text.pointer

    def check(self) -> None:
        root = self.reference.root
        if root not in self.scope.roots:
            self._unknown_root(root)
        elif root == "params":
            self._check_parameter()
        elif root == "steps":
            self._check_step()
        elif root == "execution":
            self._check_execution()
        elif root == "secrets":
            self._check_secret()
        elif root == "step":
            self._check_own_part()

    def _unknown_root(self, root: str) -> None:
        hint = self.scope.elsewhere.get(root) or ROOT_HINTS.get(root)
        if root in NAMES[Place.STEP] and self.scope.roots == NAMES[Place.PIPELINE_KEY]:
            hint = ONLY_PARAMS
        hint = hint or self.findings.did_you_mean(root, self.scope.roots)
        message = f"{dotted(self.pointer)}: Unknown name: {shown(root)}"
        self.findings.error(self.pointer, "unknown_root", message, hint)

    def _check_parameter(self) -> None:
        if not self.reference.path:
            return
        name = str(self.reference.path[0])
        if name not in self.outline.parameters and name != TRIGGER:
            message = f"Unknown parameter: {shown(name)}"
            hint = self.findings.did_you_mean(name, self.outline.parameters)
            declare = "Declare it in parameters."
            self.findings.error(self.pointer, "unknown_parameter", message, hint or declare)

    def _check_secret(self) -> None:
        if self.secrets is None or not self.reference.path:
            return
        name = str(self.reference.path[0])
        if name not in self.secrets:
            message = f"Unknown secret: {shown(name)}"
            hint = self.findings.did_you_mean(name, self.secrets)
            # A warning: the store may know it by the time that the step runs.
            self.findings.warning(self.pointer, "unknown_secret", message, hint or STORE_IT)

    def _check_own_part(self) -> None:
        part = str(self.reference.path[0]) if self.reference.path else "id"
        if part not in OWN_PARTS:
            message = f"{dotted(self.pointer)}: 'step' has no '{shown(part)}'"
            hint = self.findings.did_you_mean(part, OWN_PARTS)
            usual = f"There are {', '.join(sorted(OWN_PARTS))}."
            self.findings.error(self.pointer, "unknown_step_field", message, hint or usual)
        own = self.scope.own
        if own is not None and self.leavings.tells_of_itself(own):
            self._check_output(own, self.reference.path)

    def _check_execution(self) -> None:
        part = str(self.reference.path[0]) if self.reference.path else "id"
        if part in self.scope.execution:
            return
        if part in AT_THE_END:
            message = f"{dotted(self.pointer)}: How the execution ends is not known in"
            message += f" {self.scope.place}"
            hint = "Only handlers and compensations know it; a step has steps.<id>.status."
        else:
            message = f"{dotted(self.pointer)}: An execution has no '{shown(part)}'"
            usual = f"There are {', '.join(sorted(self.scope.execution))}."
            hint = self.findings.did_you_mean(part, self.scope.execution) or usual
        self.findings.error(self.pointer, "unknown_execution_field", message, hint)

    def _check_step(self) -> None:
        if not self.reference.path:
            message = f"{dotted(self.pointer)}: Which step is meant is known only at run time"
            self.findings.warning(self.pointer, "dynamic_step_reference", message)
            return
        step_id = str(self.reference.path[0])
        if step_id in self.scope.around:
            self._check_block_around(step_id)
            return
        if step_id not in self.outline.by_id and step_id not in self.outline.handler_order:
            hint = self.findings.did_you_mean(step_id, self.outline.by_id)
            message = f"Unknown step: {shown(step_id)}"
            self.findings.error(self.pointer, "unknown_step", message, hint)
        elif not self.scope.sees(step_id):
            message = f"Step '{step_id}' has not surely ended before {self.scope.place}"
            hint = self.scope.hint(step_id)
            self.findings.error(self.pointer, "not_an_ancestor", message, hint)
        self._check_part_of_step()
        self._check_output(self.outline.node(step_id), self.reference.path[1:])

    def _check_output(self, node: Node | None, path: tuple[str | int, ...]) -> None:
        """The first key that is looked up in the outputs of a step, or in its error."""
        if node is None or len(path) < 2:
            return
        part, name = path[0], str(path[1])
        if part == "outputs" and (leaves := self.leavings.of(node)) is not None:
            OutputLook(self.reference, self.text, self.findings).check(name, node, leaves)
        elif part == "error" and name not in ERROR_PARTS:
            message = f"{dotted(self.pointer)}: The error of a step has no '{shown(name)}'"
            hint = self.findings.did_you_mean(name, ERROR_PARTS) or "There are code and message."
            self.findings.error(self.pointer, "unknown_step_field", message, hint)

    def _check_block_around(self, step_id: str) -> None:
        """Of a block that it is in, a step sees only what that tells of the item or the round."""
        told = self.scope.around[step_id]
        part = str(self.reference.path[1]) if len(self.reference.path) > 1 else None
        if part in told or (part is None and told):
            return
        message = f"The block '{step_id}' has not ended before {self.scope.place}"
        names = ", ".join(sorted(told))
        hint = f"Inside of it there are {names}." if told else "Its outputs are for steps after it."
        self.findings.error(self.pointer, "not_an_ancestor", message, hint)

    def _check_part_of_step(self) -> None:
        part = str(self.reference.path[1]) if len(self.reference.path) > 1 else "outputs"
        if part not in STEP_PARTS:
            message = f"{dotted(self.pointer)}: A step has no '{shown(part)}'"
            hint = self.findings.did_you_mean(part, STEP_PARTS)
            usual = "There are outputs, status and error."
            step = self.outline.by_id.get(str(self.reference.path[0]))
            if part == "steps" and step is not None and step.is_block:
                usual = f"Name what is needed in the outputs of '{shown(step.id)}'."
            self.findings.error(self.pointer, "unknown_step_field", message, hint or usual)
