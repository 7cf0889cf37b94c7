"""Which version of each action a definition gets, and what is to be said about that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from pipeline_engine.domain.action_names import pin_of, pinned
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.checks.action_params import check_use
from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.outline import Outline, Use
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.issues import Issue


def choose_versions(
    outline: Outline, actions: ActionCatalogue, findings: Findings
) -> ActionCatalogue:
    """The catalogue in which each name without a version means the one that this document gets.

    That is the newest that takes the params of all steps that name the action so; the newest, with
    its errors, if none does.
    """
    versions: dict[str, str] = {}
    for uses in _open_uses(outline, actions).values():
        version = _newest_fitting(uses, outline, actions, findings)
        versions |= {use.action: version for use in uses if version}
    return actions.taking(versions) if versions else actions


def _newest_fitting(
    uses: Sequence[Use], outline: Outline, actions: ActionCatalogue, findings: Findings
) -> str | None:
    """The version for all of these uses; None if the usual one will do."""
    newest, *older = actions.choices(uses[0].action)
    refusals = _errors(uses, newest, outline, actions, findings) if older else ()
    if not refusals:
        return None
    for version in older:
        if not _errors(uses, version, outline, actions, findings):
            _tell_of_older(uses[0], version, newest, refusals[0], findings)
            return version
    return None


def recorded_versions(outline: Outline, actions: ActionCatalogue) -> Mapping[str, str]:
    """The version of each action that a document names, by its name in the rows of steps."""
    return {
        pinned(meta.type, pin_of(use.action)): meta.version for use, meta in _uses(outline, actions)
    }


def check_deprecations(outline: Outline, actions: ActionCatalogue, findings: Findings) -> None:
    """Note every use of what new definitions should not use any more."""
    for use, meta in _uses(outline, actions):
        if meta.deprecated:
            because = f": {meta.deprecation_message}" if meta.deprecation_message else ""
            message = f"Action '{shown(use.action)}' {meta.version} is deprecated{because}"
            hint = f"Use '{meta.replaced_by}' instead." if meta.replaced_by else None
            findings.warning(use.action_at, "deprecated_action", message, hint)


def _uses(outline: Outline, actions: ActionCatalogue) -> Iterator[tuple[Use, ActionMeta]]:
    """Every use of an action that is installed, those by loops as well."""
    for use in outline.uses:
        meta = use.meta(actions)
        if meta is None:
            continue
        yield use, meta
        inner = use.inner(meta)
        inner_meta = inner.meta(actions) if inner else None
        if inner and inner_meta:
            yield inner, inner_meta


def _open_uses(outline: Outline, actions: ActionCatalogue) -> Mapping[str, Sequence[Use]]:
    """The uses that leave the version open, by the type of the action."""
    found: dict[str, list[Use]] = defaultdict(list)
    for use, meta in _uses(outline, actions):
        if pin_of(use.action) is None:
            found[meta.type].append(use)
    return found


def _errors(
    uses: Sequence[Use],
    version: str,
    outline: Outline,
    actions: ActionCatalogue,
    findings: Findings,
) -> Sequence[Issue]:
    """What is wrong with these uses of an action if they get this version of it."""
    candidate = actions.taking({use.action: version for use in uses})
    scratch = Findings(findings.limits)
    for use in uses:
        check_use(use, outline, candidate, scratch)
    return scratch.report(0).errors


def _tell_of_older(use: Use, version: str, newest: str, refusal: Issue, findings: Findings) -> None:
    name = shown(use.action)
    message = f"Action '{name}': version {version} is taken, as {newest} does not take what it is"
    message += f" given: {refusal.message}"
    hint = f"Name the version to keep it: '{name}@{version}'."
    findings.warning(use.action_at, "older_version_taken", message, hint)
