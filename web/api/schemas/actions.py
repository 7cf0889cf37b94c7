"""Actions on the wire, in the camel case that editors know."""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, ValidationError, fields, validates_schema

from .fields import ApiSchema, Moment, an_object, anything, text


class OptionSchema(ApiSchema):
    """One choice."""

    value = anything()
    label = fields.String()


class RulesSchema(ApiSchema):
    """Limits of a value."""

    min = fields.Float(allow_none=True)
    max = fields.Float(allow_none=True)
    min_length = fields.Integer(data_key="minLength", allow_none=True)
    max_length = fields.Integer(data_key="maxLength", allow_none=True)
    pattern = fields.String(allow_none=True)
    pattern_message = fields.String(data_key="patternMessage", allow_none=True)
    enum = fields.List(anything(), allow_none=True)
    format = fields.String(allow_none=True)
    items = fields.Nested("NestedRulesSchema", allow_none=True)
    properties = fields.Dict(fields.String(), fields.Nested("NestedRulesSchema"), allow_none=True)


class NestedRulesSchema(RulesSchema):
    """What an item of a list, or a member of an object, has to be."""

    type = fields.String()
    required = fields.Boolean()


class VisibilitySchema(ApiSchema):
    """Shown only while another parameter has, or has not, a value."""

    param = fields.String()
    equals = anything()
    not_equals = anything(data_key="notEquals")


class ParamSchema(ApiSchema):
    """One input of an action."""

    name = fields.String()
    label = fields.String()
    type = fields.String()
    description = fields.String(allow_none=True)
    required = fields.Boolean()
    default = anything()
    placeholder = fields.String(allow_none=True)
    group = fields.String(allow_none=True)
    options = fields.List(fields.Nested(OptionSchema), allow_none=True)
    validation = fields.Nested(RulesSchema, allow_none=True)
    show_when = fields.Nested(VisibilitySchema, data_key="visibleWhen", allow_none=True)


class OutputSchema(ApiSchema):
    """One key of an action's outputs."""

    name = fields.String()
    type = fields.String()
    description = fields.String()


class RetryPolicySchema(ApiSchema):
    """How an action is repeated when its step asks for it."""

    max_attempts = fields.Integer(data_key="maxAttempts")
    backoff_multiplier = fields.Float(data_key="backoffMultiplier")
    initial_interval_seconds = fields.Float(data_key="initialIntervalSeconds")
    max_interval_seconds = fields.Float(data_key="maxIntervalSeconds")


class ExampleSchema(ApiSchema):
    """Params that can be copied."""

    title = fields.String()
    params = an_object()
    description = fields.String()


class ActionSchema(ApiSchema):
    """What an action says about itself, and where it is from."""

    type = fields.String(attribute="meta.type")
    version = fields.String(attribute="meta.version")
    versions = fields.List(
        fields.String(), metadata={"description": "All that are installed, newest first."}
    )
    package = fields.String(
        allow_none=True,
        metadata={"description": "The distribution that it is from; null of a stored one."},
    )
    package_version = fields.String(data_key="packageVersion", allow_none=True)
    isolated = fields.Boolean(
        metadata={"description": "Whether it runs in a process of its own: nobody trusts it."}
    )
    name = fields.String(attribute="meta.name")
    description = fields.String(attribute="meta.description")
    category = fields.String(attribute="meta.category")
    icon = fields.String(attribute="meta.icon")
    color = fields.String(attribute="meta.color")
    params = fields.List(fields.Nested(ParamSchema), attribute="meta.params")
    outputs = fields.List(fields.Nested(OutputSchema), attribute="meta.outputs")
    execution_mode = fields.String(attribute="meta.execution_mode", data_key="executionMode")
    timeout_seconds = fields.Integer(
        attribute="meta.timeout_seconds", data_key="timeoutSeconds", allow_none=True
    )
    retry_policy = fields.Nested(
        RetryPolicySchema, attribute="meta.retry_policy", data_key="retryPolicy", allow_none=True
    )
    idempotent = fields.Boolean(attribute="meta.idempotent")
    needs_keys_at = fields.List(
        fields.String(), attribute="meta.needs_keys_at", data_key="needsKeysAt"
    )
    required_services = fields.List(
        fields.String(), attribute="meta.required_services", data_key="requiredServices"
    )
    required_permissions = fields.List(
        fields.String(), attribute="meta.required_permissions", data_key="requiredPermissions"
    )
    deprecated = fields.Boolean(attribute="meta.deprecated")
    deprecation_message = fields.String(
        attribute="meta.deprecation_message", data_key="deprecationMessage", allow_none=True
    )
    replaced_by = fields.String(
        attribute="meta.replaced_by", data_key="replacedBy", allow_none=True
    )
    examples = fields.List(fields.Nested(ExampleSchema), attribute="meta.examples")
    docs_url = fields.String(attribute="meta.docs_url", data_key="docsUrl", allow_none=True)
    aliases = fields.List(fields.String(), attribute="meta.aliases")


class StoredSchema(ApiSchema):
    """Whose a stored action is, and who has changed it when."""

    owner = fields.String(attribute="user_id", allow_none=True)
    lock_version = fields.Integer(data_key="lockVersion")
    created_at = Moment(data_key="createdAt")
    created_by = fields.String(data_key="createdBy")
    updated_at = Moment(data_key="updatedAt")
    updated_by = fields.String(data_key="updatedBy")


class PaletteActionSchema(ActionSchema):
    """An action, and whose it is if it is stored: such a one has no package."""

    stored = fields.Nested(StoredSchema)


class OneActionSchema(PaletteActionSchema):
    """The same; of a stored one what its author wrote, too."""

    definition = an_object()


class VersionOfActionSchema(ApiSchema):
    """One version of a stored action."""

    version = fields.String()
    definition = an_object()
    actions = an_object(
        metadata={"description": "What was recorded of the actions that it builds on."}
    )
    created_at = Moment(data_key="createdAt")
    created_by = fields.String(data_key="createdBy")


class VersionsOfActionSchema(ApiSchema):
    """All kept versions of a stored action, the newest first."""

    versions = fields.List(fields.Nested(VersionOfActionSchema))


class ActionBody(ApiSchema):
    """A template or a composite; what is wrong with it is answered with its places."""

    class Meta:
        """It is stored as it was sent."""

        unknown = INCLUDE

    type = anything()
    name = anything()
    category = anything()
    description = anything()
    icon = anything()
    color = anything()
    template = anything(metadata={"description": "The action that it builds on."})
    defaults = anything(metadata={"description": "Params of that action, with templates."})
    sub_actions = anything(metadata={"description": "Actions that run one after the other."})
    steps = anything(metadata={"description": "The same, each with `id`, `action`, `params`."})
    exposed_params = anything(metadata={"description": "Names, or definitions, of its params."})
    outputs = anything(metadata={"description": "Of a composite: templates by name."})


class CategorySchema(ApiSchema):
    """Some actions that belong together."""

    name = fields.String()
    icon = fields.String()
    actions = fields.List(fields.Nested(PaletteActionSchema))


class BrokenActionSchema(ApiSchema):
    """An installed action that cannot be used."""

    name = fields.String()
    distribution = fields.String()
    reason = fields.String()


class PaletteSchema(ApiSchema):
    """Every action."""

    actions = fields.List(fields.Nested(PaletteActionSchema))
    categories = fields.List(fields.Nested(CategorySchema))
    broken = fields.List(fields.Nested(BrokenActionSchema))
    total = fields.Integer()


class ParamsBody(ApiSchema):
    """Params that are to be checked; ``action_type`` is another name of ``actionType``."""

    actionType = text(255, 1)  # noqa: N815  as clients send it
    action_type = text(255, 1)
    params = an_object(load_default=dict)

    @validates_schema
    def _names_an_action(self, body: dict[str, Any], **_: Any) -> None:
        if "actionType" not in body and "action_type" not in body:
            raise ValidationError("Missing data for required field.", "actionType")


class ParamsReportSchema(ApiSchema):
    """What is wrong with params."""

    valid = fields.Boolean()
    errors = fields.List(fields.String())
