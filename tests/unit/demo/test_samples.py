from __future__ import annotations

import pytest

from pipeline_engine.demo import samples
from pipeline_engine.domain.checks import Limits, check
from pipeline_engine.domain.definitions import merge_params, parse
from pipeline_engine.domain.given_values import document_for
from pipeline_engine.registry import Registry
from pipeline_engine.services.actions import Catalogue


@pytest.fixture(scope="module")
def actions() -> Catalogue:
    return Catalogue(Registry.discover())


@pytest.mark.parametrize("name", [samples.HELLO, *samples.SHIPPED])
def test_a_sample_pipeline_passes_the_check_without_a_warning(
    name: str, actions: Catalogue
) -> None:
    report = check(samples.pipeline(name), actions, limits=Limits())

    assert (report.errors, report.warnings) == ((), ())


@pytest.mark.parametrize(
    ("name", "params"),
    [
        (samples.HELLO, {}),
        (samples.ONBOARDING, samples.onboarding_params()),
        (samples.RECOMMENDATION, samples.recommendation_params([])),
        (samples.DEPLOYMENT, samples.deployment_params([], "cluster-amsterdam")),
    ],
)
def test_the_params_of_the_demo_fit_its_pipelines(name: str, params: dict[str, object]) -> None:
    definition = parse(document_for(samples.pipeline(name), params))

    _, problems = merge_params(definition, params)

    assert problems == []
