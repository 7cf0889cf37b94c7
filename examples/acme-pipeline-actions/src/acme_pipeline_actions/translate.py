"""Has a text translated by a service: an action that ends by itself."""

from __future__ import annotations

from pipeline_engine.sdk import (
    ActionContext,
    ActionExample,
    ActionMeta,
    ActionResult,
    BaseActionExecutor,
    OutputDefinition,
    ParamDefinition,
    ParamType,
    SelectOption,
    ValidationRules,
    register_action,
)

#: What installations call the service; PIPELINE_SERVICE_URLS says where it is.
SERVICE = "acme-translator"

META = ActionMeta(
    type="acme_translate",
    name="Translate",
    category="Acme",
    description="Translates a text.",
    icon="languages",
    timeout_seconds=60,
    required_services=[SERVICE],
    params=[
        ParamDefinition(
            "text",
            "Text",
            required=True,
            description="What to translate.",
            validation=ValidationRules(min_length=1, max_length=10_000),
        ),
        ParamDefinition(
            "to",
            "Into",
            ParamType.SELECT,
            default="de",
            description="The language of the translation.",
            options=[SelectOption("de", "German"), SelectOption("fr", "French")],
        ),
    ],
    outputs=[
        OutputDefinition("text", "string", "The translation; empty if there is none."),
        OutputDefinition("language", "string", "The language that it is in."),
    ],
    examples=[ActionExample("Into French", {"text": "Good morning", "to": "fr"})],
)


@register_action(META)
class Translate(BaseActionExecutor):
    """Asks once; a service that cannot be reached fails the attempt, and the engine tries again."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Ask for the translation."""
        language = context.params.get("to", "de")
        answer = context.invoke_service(
            SERVICE,
            "/translations",
            {"text": context.params["text"], "to": language},
            timeout_seconds=30,
        )
        text = answer.get("text")
        if not isinstance(text, str):
            return ActionResult(
                success=False,
                error="The service answered without a translation",
                error_code="no_translation",
                outputs={"text": "", "language": language},
            )
        return ActionResult(success=True, outputs={"text": text, "language": language})
