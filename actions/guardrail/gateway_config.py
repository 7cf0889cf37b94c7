"""What the gateway has to know of a guardrail profile, in the shape in which it reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PROVIDER = "bud_sentinel"
SEVERITY_THRESHOLD = 0.75
GUARD_TYPES = ["input"]
TIMEOUT_MS = 30_000
LLM, CLASSIFIER = "llm", "latentbud"  #: scanners


def gateway_config(
    profile: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the configuration of *profile*, whose *rules* are served by endpoints.

    A key to the endpoints is not in it: it would stand in the rows of the execution. Whoever
    writes the table knows the key and adds it (``api_key``).
    """
    threshold = profile.get("severity_threshold")
    return {
        "name": profile.get("name") or "",
        "providers": {PROVIDER: _provider(profile, rules)},
        "severity_threshold": SEVERITY_THRESHOLD if threshold is None else threshold,
        "guard_types": list(profile.get("guard_types") or GUARD_TYPES),
        "api_key": None,
    }


def _provider(profile: Mapping[str, Any], rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    served = [rule for rule in rules if rule.get("endpoint_name")]
    return {
        "type": PROVIDER,
        "probe_config": _probes(profile),
        "endpoint": profile.get("sentinel_endpoint"),
        "api_key_location": profile.get("api_key_location") or "none",
        "custom_rules": [_custom_rule(rule) for rule in served],
        "metadata_json": _scanners(served),
        "rule_overrides_json": {
            str(rule["rule_uri"]): {"model_id": rule["endpoint_name"]} for rule in served
        },
    }


def _probes(profile: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the rules of each probe that are on; an empty list is all of them."""
    probes = [probe for probe in profile.get("probes") or () if isinstance(probe, Mapping)]
    return {str(p.get("uri") or p.get("id")): _rules_on(p.get("rules") or ()) for p in probes}


def _rules_on(rules: Sequence[Any]) -> list[str]:
    return [
        str(rule.get("uri") or rule.get("id"))
        for rule in rules
        if isinstance(rule, Mapping) and rule.get("status", "active") == "active"
    ]


def _custom_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    common = {"id": str(rule["rule_uri"]), "model_id": rule["endpoint_name"]}
    if _scanner(rule) == LLM:
        return {
            **common,
            "scanner": LLM,
            "handler": "gpt_safeguard",
            "structured_json": True,
            "policy": rule.get("policy") or {},
            "target_labels": list(rule.get("target_labels") or ()),
        }
    heads = rule.get("head_mappings") or [{"head_name": "default", "target_labels": []}]
    return {**common, "scanner": CLASSIFIER, "head_mappings": list(heads)}


def _scanners(rules: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return where each scanner that is needed finds its models."""
    found: dict[str, dict[str, Any]] = {}
    for rule in rules:
        url, scanner = str(rule.get("endpoint_url") or "").rstrip("/"), _scanner(rule)
        if url and scanner not in found:
            found[scanner] = {
                "url": f"{url.removesuffix('/v1')}/v1" if scanner == LLM else url,
                "api_key_header": "Authorization",
                "timeout_ms": TIMEOUT_MS,
            }
    return found


def _scanner(rule: Mapping[str, Any]) -> str:
    return LLM if str(rule.get("model_type") or "").lower() == LLM else CLASSIFIER
