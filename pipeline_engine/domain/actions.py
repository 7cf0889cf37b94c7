"""What an action says about itself: the metadata that editors, checkers and workers read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.domain.validation.faults import faults, malformed
from pipeline_engine.domain.validation.rules import ValidationRules

#: Types of actions; dots are legal, as in ``guardrail.validate_credential``.
TYPE_PATTERN = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


class ParamType(StrEnum):
    """Which input a form shows for a parameter."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    SELECT = "select"
    MULTISELECT = "multiselect"
    JSON = "json"
    TEMPLATE = "template"
    BRANCHES = "branches"
    RANGE = "range"
    MODEL_REF = "model_ref"
    CLUSTER_REF = "cluster_ref"
    PROJECT_REF = "project_ref"
    ENDPOINT_REF = "endpoint_ref"
    PROVIDER_REF = "provider_ref"
    CREDENTIAL_REF = "credential_ref"
    CLOUD_MODEL_REF = "cloud_model_ref"


class JsonShape(StrEnum):
    """What a ``json`` parameter has to be, where not everything will do."""

    ARRAY = "array"
    OBJECT = "object"


#: Types of params that may hold a secret; a choice, a number or a reference is none.
MAY_HOLD_SECRETS = frozenset({ParamType.STRING, ParamType.JSON, ParamType.TEMPLATE})


class ExecutionMode(StrEnum):
    """Whether an action ends by itself or waits for the world."""

    SYNC = "sync"  #: usually ends when ``execute`` returns
    EVENT_DRIVEN = "event_driven"  #: may park; an event ends it


@dataclass(frozen=True)
class SelectOption:
    """One choice of a select or multiselect parameter."""

    #: What the step is given.
    value: Any
    #: What a form shows.
    label: str


@dataclass(frozen=True)
class ConditionalVisibility:
    """Shows a parameter only while another one has, or has not, a certain value.

    ``parks_when`` of an action says so that it parks only with such a value.
    """

    #: Name of the other parameter.
    param: str
    #: Value that the other one has to have; None does not ask.
    equals: Any = None
    #: Value that the other one must not have; None does not ask.
    not_equals: Any = None

    def holds(self, value: Any) -> bool:
        """Tell whether the parameter is shown while the other one has *value*."""
        if self.equals is not None and value != self.equals:
            return False
        return self.not_equals is None or value != self.not_equals


@dataclass(frozen=True)
class ParamDefinition:
    """One input of an action."""

    #: The key in ``params`` of a step.
    name: str
    #: What a form writes above the field.
    label: str
    #: Which input a form shows, and what fits.
    type: ParamType = ParamType.STRING
    #: Whether a step without it is refused.
    required: bool = False
    #: What a form begins with. The engine does not fill it in: the action has its own default.
    default: Any = None
    #: What it is for, in a sentence; None if the label says it.
    description: str | None = None
    #: Example that a form shows inside the empty field.
    placeholder: str | None = None
    #: Choices of a select or multiselect, which need them; None for other types.
    options: Sequence[SelectOption] | None = None
    #: Limits of the value; None: whatever fits the type.
    validation: ValidationRules | None = None
    #: Heading below which a form shows it.
    group: str | None = None
    #: When a form shows it; None: always. A hidden parameter is not checked.
    show_when: ConditionalVisibility | None = None
    #: What a ``json`` parameter has to be; None: any JSON.
    shape: JsonShape | None = None
    #: Whether it may hold a secret. What becomes a key, an id or a name, or is compared, may not.
    secrets: bool = True

    @property
    def takes_secrets(self) -> bool:
        """Whether it is a text, or JSON, that may hold a secret."""
        return self.secrets and self.type in MAY_HOLD_SECRETS

    def __post_init__(self) -> None:
        if self.options is not None:
            object.__setattr__(self, "options", tuple(self.options))


@dataclass(frozen=True)
class OutputDefinition:
    """One key of an action's outputs; it is there on every path."""

    #: The key in ``outputs``.
    name: str
    #: A word for people, such as ``string`` or ``object``.
    type: str
    #: What it holds.
    description: str = ""


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after which pauses, an action is tried if its step does not say so."""

    #: Attempts, the first one included.
    max_attempts: int = 3
    #: Factor by which the bound of a pause grows from one pause to the next.
    backoff_multiplier: float = 2.0
    #: Seconds of the first pause, at most: each pause is drawn at random from 0 to its bound.
    initial_interval_seconds: float = 1.0
    #: Seconds of any pause, at most.
    max_interval_seconds: float = 60.0


@dataclass(frozen=True)
class ActionExample:
    """A set of params that can be copied into a step."""

    #: What the example does.
    title: str
    #: Params that pass the check.
    params: dict[str, Any]
    #: More about it.
    description: str = ""


@dataclass(frozen=True)
class InnerAction:
    """Which params of an action name another action that it runs for its items, and its params."""

    #: The parameter with the type of the other action.
    action: str = "action"
    #: The parameter with its params; None: a step does not give them.
    params: str | None = "action_params"


@dataclass(frozen=True)
class ActionMeta:
    """Everything that is known about an action without running it.

    What is wrong with it (``validate()``) keeps the action from being loaded, with the reason in
    ``GET /actions``.
    """

    #: What ``action`` of a step says; equal to the name of the entry point.
    type: str
    #: What people call it.
    name: str
    #: The heading below which editors list it.
    category: str
    #: One sentence about what it does.
    description: str
    #: Version of the action, as its author counts.
    version: str = "1.0.0"
    #: Name of an icon, for editors.
    icon: str = ""
    #: Colour as ``#rrggbb``, for editors.
    color: str = "#8c8c8c"
    #: Parameters that a step may give it.
    params: Sequence[ParamDefinition] = ()
    #: Keys that it leaves for later steps.
    outputs: Sequence[OutputDefinition] = ()
    #: What editors say of it; an action may park whatever this is.
    execution_mode: ExecutionMode = ExecutionMode.SYNC
    #: Seconds for an attempt of a step that gives none; None: those of the installation.
    timeout_seconds: int | None = None
    #: How a step is tried if neither it nor its pipeline says so; None: the installation's default.
    retry_policy: RetryPolicy | None = None
    #: Whether ``execute`` may be called again for an attempt whose worker died.
    idempotent: bool = True
    #: Peers without whose help it is not idempotent: they have to answer a repeated
    #: ``Idempotency-Key`` with what the first call came to. It is not idempotent where an
    #: installation does not say that all of them do (``PIPELINE_PEERS_WITH_IDEMPOTENCY``).
    needs_keys_at: Sequence[str] = ()
    #: Names of the peers that it calls, for readers.
    required_services: Sequence[str] = ()
    #: Rights without which nobody runs it, such as ``model:write``.
    required_permissions: Sequence[str] = ()
    #: Params to copy, which editors show.
    examples: Sequence[ActionExample] = ()
    #: Address of a page with more about it.
    docs_url: str | None = None
    #: Whether new definitions should not use it any more; it works as before.
    deprecated: bool = False
    #: The action to use instead, as a step would name it: ``greet@2`` or another type.
    replaced_by: str | None = None
    #: Why, and what to do, for whoever still uses it.
    deprecation_message: str | None = None
    #: Other types that mean this action, such as older names.
    aliases: Sequence[str] = ()
    #: Whether it returns at once and calls nobody: its steps share messages and transactions.
    cheap: bool = False
    #: Which workers run it; None: ``fast`` if it is cheap, ``io`` otherwise.
    queue: QueueName | None = None
    #: Names of the params in which it renders templates itself; it gets them as they were written.
    unrendered_params: frozenset[str] = field(default_factory=frozenset)
    #: Names that templates in those params find beside the usual ones, such as ``item``.
    adds_names: frozenset[str] = field(default_factory=frozenset)
    #: Those among them that a place does not have: by param, or by ``param/key``.
    lacks_names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Those that there are only beside a certain param, by name.
    names_need: Mapping[str, str] = field(default_factory=dict)
    #: Params that name another action which it runs, so that those are checked, too; None: none.
    inner: InnerAction | None = None
    #: When it parks, by one of its params; None: whenever ``execution_mode`` says that it may.
    parks_when: ConditionalVisibility | None = None
    #: Whether it may leave other keys than it declares: a reference to one is a warning, no error.
    open_outputs: bool = False
    #: The param that is an object whose keys it leaves, beside those that it declares.
    outputs_from: str | None = None
    #: Why a job for which nobody waits any more is left to itself; None: ``cleanup`` calls it off.
    not_called_off: str | None = None

    def __post_init__(self) -> None:
        for name in _SEQUENCES:
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "unrendered_params", frozenset(self.unrendered_params))
        object.__setattr__(self, "adds_names", frozenset(self.adds_names))

    @property
    def runs_on(self) -> QueueName:
        """The queue that its steps travel on."""
        return self.queue or (QueueName.FAST if self.cheap else QueueName.IO)

    def may_repeat(self, peers_with_keys: Collection[str]) -> bool:
        """Tell whether it is idempotent where *peers_with_keys* honour idempotency keys."""
        return self.idempotent and all(peer in peers_with_keys for peer in self.needs_keys_at)

    def param(self, name: str) -> ParamDefinition | None:
        """Return the parameter of this name; None if there is none."""
        return next((param for param in self.params if param.name == name), None)

    def validate(self) -> list[str]:
        """Return what is wrong with this metadata, in words for its author; empty if nothing is."""
        return [*self._identity_problems(), *self._param_problems(), *self._output_problems()]

    def _identity_problems(self) -> Iterator[str]:
        for name in ("type", "name", "category", "description"):
            if not getattr(self, name):
                yield f"{name} is required"
        for name in (self.type, *self.aliases):
            if name and not TYPE_PATTERN.fullmatch(name):
                yield f"type must be alphanumeric with underscores and dots only: '{name}'"

    def _param_problems(self) -> Iterator[str]:
        for index, param in enumerate(self.params):
            if not param.name:
                yield f"param[{index}].name is required"
            if not param.label:
                yield f"param[{index}].label is required"
            if param.type in (ParamType.SELECT, ParamType.MULTISELECT) and not param.options:
                yield f"param '{param.name}' requires options for {param.type}"
            yield from _rule_problems(param.name, param.validation)
        names = [param.name for param in self.params]
        yield from (f"duplicate param name: {name}" for name in _doubles(names))
        unknown = sorted(self.unrendered_params.difference(names))
        yield from (f"unrendered_params names no param: {name}" for name in unknown)

    def _output_problems(self) -> Iterator[str]:
        names = [output.name for output in self.outputs]
        yield from (f"duplicate output name: {name}" for name in _doubles(names))
        if self.outputs_from is not None and self.param(self.outputs_from) is None:
            yield f"outputs_from names no param: {self.outputs_from}"


def _rule_problems(name: str, rules: ValidationRules | None) -> Iterator[str]:
    if rules is None:
        return
    # Values are tried against rules that can be read only.
    for fault in [*malformed(rules)] or faults(rules, None, Fuel()):
        place = ".".join(map(str, (name, *fault.path)))
        yield f"the limits of param '{name}' cannot be kept ({place}): {fault.message}"


_SEQUENCES = (
    "params",
    "outputs",
    "needs_keys_at",
    "required_services",
    "required_permissions",
    "examples",
    "aliases",
)


def _doubles(names: Sequence[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
