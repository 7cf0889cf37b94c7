"""Everything that can be wrong with an expression. No message holds a value, it may be secret."""

from __future__ import annotations

from typing import ClassVar

from pipeline_engine.errors import PipelineEngineError


class ExpressionError(PipelineEngineError):
    """The expression cannot be parsed or evaluated."""

    code: ClassVar[str] = "expression_error"

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message, **({"hint": hint} if hint else {}))
        self.hint = hint


class TemplateSyntax(ExpressionError):
    """The template is not valid Jinja expression syntax."""

    code = "template_syntax"


class UnbalancedBraces(ExpressionError):
    """The template has an opening {{ without its }}, or the other way round."""

    code = "unbalanced_braces"


class TextOutsideBraces(ExpressionError):
    """The condition compares outside its braces, so it would be text and always true."""

    code = "text_outside_braces"


class ConstructNotAllowed(ExpressionError):
    """The template uses a part of Jinja that is more than an expression."""

    code = "construct_not_allowed"


class HyphenatedStepReference(ExpressionError):
    """A step id with a hyphen was written after a dot, where the hyphen means minus."""

    code = "hyphenated_step_reference"


class UnknownFilter(ExpressionError):
    """There is no filter of this name."""

    code = "unknown_filter"


class UnknownTest(ExpressionError):
    """There is no test of this name."""

    code = "unknown_test"


class WrongArguments(ExpressionError):
    """A filter or test was given arguments that it does not take."""

    code = "wrong_arguments"


class ExpressionTooLong(ExpressionError):
    """The template has too many characters or parts."""

    code = "expression_too_long"


class ExpressionTooDeep(ExpressionError):
    """The expression is nested too deeply."""

    code = "expression_too_deep"


class BudgetSpent(ExpressionError):
    """The attempt of the step has nothing left to evaluate expressions with."""

    code = "expression_budget"


class FuelSpent(BudgetSpent):
    """The expressions of the step would cause more work than one attempt may."""

    code = "expression_fuel"


class TimeSpent(BudgetSpent):
    """The expressions of the step took more time than they may; they would do so again."""

    code = "expression_time"


class TooMuchMade(BudgetSpent):
    """The values that the step made of its templates are too large together."""

    code = "rendered_too_large"


class ValueTooLarge(ExpressionError):
    """The expression reads or makes a text that is too large."""

    code = "value_too_large"


class NumberOutOfRange(ExpressionError):
    """A number does not fit into 64 bits, or is not finite."""

    code = "number_out_of_range"


class DivisionByZero(ExpressionError):
    """The expression divides by zero."""

    code = "division_by_zero"


class InvalidPattern(ExpressionError):
    """This is no regular expression."""

    code = "invalid_pattern"


class UnknownSecret(ExpressionError):
    """The owner of the definition has no secret of this name."""

    code = "unknown_secret"


class SecretsRefused(ExpressionError):
    """The execution does not have the right to use secrets."""

    code = "permission_denied"


class UnreadableSecret(ExpressionError):
    """The secret was sealed with a key that this process does not have."""

    code = "secret_unreadable"


class WrongOperand(ExpressionError):
    """An operator, filter or test met a value of a kind that it cannot work with."""

    code = "wrong_operand"


class ExpressionCrashed(ExpressionError):
    """The engine could not evaluate the expression, which is a fault of the engine."""

    code = "expression_crashed"


class SecretMisused(ExpressionError):
    """A secret is looked into, compared or listed, or used as a key, an id or a name."""

    code = "secret_misused"

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or SECRET_HINT)


#: What to do instead.
SECRET_HINT = "Put the secret whole into a text, or encode it with b64encode, urlencode or tojson."  # noqa: S105
