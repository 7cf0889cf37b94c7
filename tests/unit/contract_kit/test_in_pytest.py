"""What authors write and type: a test class, and a plug-in that is asked for."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import pytest
from support.documentation import DOCS, blocks, table

from pipeline_engine import contract_kit
from pipeline_engine.contract_kit import CLAUSES

pytest_plugins = ["pytester"]

GREET = """
from pipeline_engine.contract_kit import ActionContract, Case
from pipeline_engine.sdk import (
    ActionContext, ActionMeta, ActionResult, BaseActionExecutor, OutputDefinition,
    ParamDefinition, register_action,
)


@register_action(
    ActionMeta(
        type="acme_greet", name="Greet", category="Acme", description="Greets somebody by name.",
        params=[ParamDefinition("name", "Name", required=True, description="Whom to greet.")],
        outputs=[OutputDefinition("greeting", "string", "The greeting.")],
    )
)
class Greet(BaseActionExecutor):
    def execute(self, context: ActionContext) -> ActionResult:
        return ActionResult(success=True, outputs={"greeting": f"Hello {context.params['name']}"})


class TestGreet(ActionContract):
    action = Greet
    cases = [
        Case(name="ann", params={"name": "Ann"}, succeeds=True),
        Case(name="nobody", params={}, fails_with="invalid_params"),
    ]
"""
PAGE = DOCS / "howto" / "test-an-action.md"
PLUGIN = ("-p", "pipeline_engine.contract_kit.plugin", "-p", "no:cacheprovider")


def test_a_test_class_has_a_test_for_each_clause_and_each_case_without_any_plug_in(
    pytester: pytest.Pytester,
):
    pytester.makepyfile(test_greet=GREET)

    run = pytester.runpytest_inprocess("-v", "-p", "no:cacheprovider")

    run.assert_outcomes(passed=len([line for line in run.outlines if " PASSED" in line]))
    run.stdout.fnmatch_lines(
        ["*::test_contract?metadata_is_complete? PASSED*", "*?it_ends_as_described-nobody? PASSED*"]
    )


def test_a_test_class_fails_where_the_action_does_and_says_which_clause_it_is(
    pytester: pytest.Pytester,
):
    pytester.makepyfile(test_greet=GREET.replace('"greeting": f', '"hello": f'))

    run = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "declares")

    run.assert_outcomes(passed=1, failed=1)  # what is refused leaves nothing
    run.stdout.fnmatch_lines(
        [
            "*'greeting' is missing after execute: META declares it.",
            "*docs/howto/test-an-action.md*",
        ]
    )


def test_the_plug_in_checks_installed_actions_by_their_examples(pytester: pytest.Pytester):
    run = pytester.runpytest_inprocess(*PLUGIN, "-v", "--pipeline-action", "log")

    assert run.ret == 0
    run.stdout.fnmatch_lines(["*log::metadata_is_complete PASSED*"])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--pipeline-action", "no_such"], "*Action 'no_such' not found*"),
        (["--pipeline-package", "no-such"], "*The package no-such brings no action*"),
    ],
)
def test_the_plug_in_says_so_if_there_is_nothing_to_check(pytester: pytest.Pytester, asked, words):
    run = pytester.runpytest_inprocess(*PLUGIN, *asked)

    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines([words])


def test_the_kit_itself_does_without_pytest_which_only_tests_need():
    modules = Path(contract_kit.__file__).parent.rglob("*.py")

    assert [m.name for m in modules if "import pytest" in m.read_text()] == ["plugin.py"]


def test_no_entry_point_brings_the_kit_into_the_tests_of_others():
    groups = {entry_point.group for entry_point in distribution("pipeline-engine").entry_points}

    assert "pytest11" not in groups


def test_the_page_about_it_tells_every_clause_in_the_words_of_the_code():
    rows = table(PAGE, "What is checked")

    assert rows == {clause.name: (clause.says,) for clause in CLAUSES}


def test_the_examples_of_the_page_pass_as_they_stand(pytester: pytest.Pytester):
    by_itself, waiting = blocks(PAGE, "python")
    action = blocks(PAGE.with_name("write-an-action.md"), "python")[0]
    pytester.makepyfile(acme_actions=action, test_greet=by_itself, test_print=waiting)

    run = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    assert run.ret == 0, "\n".join(run.outlines)


def test_the_page_shows_the_message_that_an_author_gets(pytester: pytest.Pytester):
    pytester.makepyfile(test_greet=GREET.replace('"greeting": f', '"hello": f'))

    run = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "declares-ann")

    shown = blocks(PAGE, "text")[0].splitlines()
    assert [line for line in shown if not any(line in out for out in run.outlines)] == []
