"""What untrusted packages say of themselves: the same as in process, and nothing is imported."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import metadata

import pytest

from pipeline_engine.config import Settings
from pipeline_engine.errors import InvalidSettings
from pipeline_engine.isolation.terms import TRUSTING, Terms
from pipeline_engine.registry import Registry
from pipeline_engine.scheduler.actions.own_address import checks_events
from pipeline_engine.services.actions import Catalogue

LEAST = {
    "DATABASE_URL": "postgresql://u@127.0.0.1/d",
    "REDIS_URL": "redis://127.0.0.1/0",
    "PIPELINE_SECRET_KEY": "0123456789abcdef",
}


def test_metadata_is_the_same_as_in_process_but_for_cheap_which_no_stranger_is(
    strangers: Registry, stranger_entry_points: list[metadata.EntryPoint]
):
    module_was_imported = "stranger_pipeline_actions" in sys.modules

    trusted = Registry.discover(stranger_entry_points, terms=TRUSTING)

    assert not module_was_imported
    assert strangers.types() == trusted.types()
    assert {a.meta.type: a.meta for a in strangers} == {
        a.meta.type: replace(a.meta, cheap=False) for a in trusted
    }
    assert {a.meta.type: a.fans_out for a in strangers} == {
        a.meta.type: a.fans_out for a in trusted
    }
    assert [a.isolated for a in (*strangers, *trusted)] == [True] * 6 + [False] * 6


def test_which_methods_an_action_has_is_known_without_it(strangers: Registry):
    catalogue = Catalogue(strangers)

    assert catalogue.own_check("stranger_greet") is not None
    assert catalogue.own_check("stranger_wait") is None
    assert checks_events(strangers.executor("stranger_wait"))
    assert not checks_events(strangers.executor("stranger_greet"))


@pytest.mark.usefixtures("strangers")
def test_what_cannot_be_loaded_is_broken_with_the_same_reason():
    target = "stranger_pipeline_actions.contract:Missing"
    missing = metadata.EntryPoint("missing", target, "pipeline_engine.actions")

    isolated, trusted = (Registry.discover([missing], terms=one) for one in (Terms(), TRUSTING))

    assert isolated.broken["missing"].reason == trusted.broken["missing"].reason


def test_a_package_whose_import_ends_the_process_is_broken_with_its_reason(tmp_path, monkeypatch):
    (tmp_path / "fatal_actions.py").write_text("import os\nprint('goodbye')\nos._exit(3)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    fatal = metadata.EntryPoint("fatal", "fatal_actions:Fatal", "pipeline_engine.actions")

    registry = Registry.discover([fatal])

    assert registry.broken["fatal"].reason == (
        "The process of unknown ended with status 3: goodbye"
    )


def test_a_child_that_answers_in_place_of_our_code_breaks_its_own_actions_only(
    tmp_path, monkeypatch
):
    (tmp_path / "forging_actions.py").write_text(
        "import orjson\n"
        "dumps, meta = orjson.dumps, dict(type='forged', name='F', category='C', description='D')\n"
        "forged = {'value': [{'meta': meta, 'methods': 5}]}\n"
        "orjson.dumps = lambda message: dumps(message | forged)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    forged = metadata.EntryPoint("forged", "forging_actions:Any", "pipeline_engine.actions")

    registry = Registry.discover([forged])

    assert registry.broken["forged"].reason == "its metadata cannot be read: no list"


def test_an_installation_says_whom_it_trusts_by_names_as_indexes_compare_them():
    given = Settings.from_env({**LEAST, "PIPELINE_TRUSTED_PACKAGES": '["Acme_Actions", "other"]'})
    terms = Terms.of(given)

    assert terms.trusts("acme-actions")
    assert terms.trusts("pipeline-engine")
    assert not terms.trusts("acme")
    assert Terms(trusted=("*",)).trusts("acme")
    assert not Terms.of(Settings.from_env(LEAST)).trusts("other")
    listed = Settings.from_env({**LEAST, "PIPELINE_TRUSTED_PACKAGES": "acme-actions, other"})
    assert listed.trusted_packages == ("acme-actions", "other")
    with pytest.raises(InvalidSettings, match="Not a JSON list of texts"):
        Settings.from_env({**LEAST, "PIPELINE_TRUSTED_PACKAGES": "[1]"})
