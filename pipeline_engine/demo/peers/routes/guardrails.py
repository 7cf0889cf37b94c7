"""budapp: guardrail probes, rules, profiles and deployments, and the gateway's tables in Redis."""

from __future__ import annotations

from typing import Any

from pipeline_engine.demo.peers.calls import Answer, Call, not_found, ok, unusable
from pipeline_engine.demo.peers.jobs import Job, JobKind
from pipeline_engine.demo.peers.probes import Rule, probe_of
from pipeline_engine.demo.peers.services import Services

#: Of the rules that a language model judges.
POLICY = {"unsafe": "What nobody may say"}


def link_rule(services: Services, call: Call) -> Answer:
    """Give a guardrail rule its model."""
    model_id = call.body.get("model_id")
    if not model_id:
        return unusable("model_id is required")
    services.journal.link(call.identity, str(model_id))
    return ok({"rule_id": call.identity, "model_id": model_id})


def probe(services: Services, call: Call) -> Answer:
    """Describe a probe with its rules; a rule has a model once it was given one."""
    if not services.world.has("probe", call.identity):
        return not_found("Probe", call.identity)
    found = probe_of(call.identity)
    about = {"id": found.id, "name": found.name, "uri": _probe_uri(found.id)}
    return ok({"probe": {**about, "rules": [_rule_of(services, rule) for rule in found.rules]}})


def make_profile(services: Services, call: Call) -> Answer:
    """Make a profile."""
    if not call.body.get("name"):
        return unusable("name is required")
    return ok({"profile": services.world.make("profile", call.body, key=services.key(call))})


def profile(services: Services, call: Call) -> Answer:
    """Describe a profile and the probes that it selects."""
    found = services.world.get("profile", call.identity)
    if found is None:
        return not_found("Profile", call.identity)
    probes = [_probe(one) for one in found.get("probe_selections") or ()]
    sentinel = {"sentinel_endpoint": "https://sentinel.example", "api_key_location": "dynamic"}
    return ok({"profile": {**_shown(found), **sentinel, "probes": probes}})


def change_profile(services: Services, call: Call) -> Answer:
    """Change a profile, once for each key; what is not sent stays. Tells what it said before."""
    found = services.world.get("profile", call.identity)
    if found is None:
        return not_found("Profile", call.identity)
    key, execution_id = services.key(call), call.body.get("execution_id")
    known = found.get("changes") or {}
    before = known.get(key) if key else None
    if before is None:
        before = {name: found.get(name) for name in call.body if name != "execution_id"}
        said = {name: value for name, value in call.body.items() if name != "execution_id"}
        changes = {**known, key: before, f"by {execution_id}": before} if execution_id else known
        found = {**found, **said, "id": call.identity, "changes": changes}
        services.world.put("profile", call.identity, found)
    return ok({"profile": _shown(found), "before": before})


def make_deployment(services: Services, call: Call) -> Answer:
    """Record a deployment of a profile."""
    body = call.body
    if services.world.get("profile", str(body.get("profile_id"))) is None:
        return not_found("Profile", str(body.get("profile_id")))
    if body.get("is_standalone") and body.get("endpoint_ids"):
        return unusable("endpoint_ids and is_standalone exclude each other")
    made = services.world.make("guardrail", body, key=services.key(call))
    return ok({"deployment": made})


def deployment(services: Services, call: Call) -> Answer:
    """Describe a deployment and what serves its rules."""
    found = services.world.get("guardrail", call.identity)
    if found is None:
        return not_found("Deployment", call.identity)
    models = [*(found.get("deployed_models") or ()), *(found.get("reused_models") or ())]
    return ok({"deployment": {**found, "rules": [_rule(model) for model in models]}})


def delete_profile(services: Services, call: Call) -> Answer:
    """Delete a profile."""
    return _deleted(services, call, "profile")


def delete_deployment(services: Services, call: Call) -> Answer:
    """Delete a deployment."""
    return _deleted(services, call, "guardrail")


def write_table(services: Services, call: Call) -> Answer:
    """Write what the gateway reads, with a key that only budapp knows."""
    config, endpoints = call.body.get("config"), call.body.get("endpoint_ids") or []
    if not isinstance(config, dict) or "providers" not in config:
        return unusable("config has no providers")
    world, key = services.world, f"guardrail_table:{call.identity}"
    kept = f"{key} before {call.body.get('execution_id')}"
    if world.get("replaced", kept) is None:
        places = [key, *(f"model_table:{endpoint}" for endpoint in endpoints)]
        world.put("replaced", kept, {place: world.get("table", place) for place in places})
    world.put("table", key, {**config, "api_key": "of the gateway"})
    for endpoint in endpoints:
        world.put("table", f"model_table:{endpoint}", {"guardrail_profile": call.identity})
    return ok({"key": key})


def restore_table(services: Services, call: Call) -> Answer:
    """Put back what an execution has replaced."""
    world, kept = services.world, f"before {call.body.get('execution_id')}"
    replaced = world.get("replaced", f"guardrail_table:{call.identity} {kept}")
    if not replaced:
        return not_found("Table", call.identity)
    world.put("replaced", f"guardrail_table:{call.identity} {kept}", {})
    for place, facts in replaced.items():
        if facts is None:
            world.delete("table", place)
        else:
            world.put("table", place, facts)
    return ok({"message": "Restored"})


def delete_table(services: Services, call: Call) -> Answer:
    """Delete what the gateway reads, and strip it from the endpoints that it guards."""
    world = services.world
    if world.get("table", f"guardrail_table:{call.identity}") is None:
        return not_found("Table", call.identity)
    world.delete("table", f"guardrail_table:{call.identity}")
    for key, facts in world.all("table").items():
        if facts.get("guardrail_profile") == call.identity:
            world.put("table", key, {})
    return ok({"message": "Deleted"})


def made_by(services: Services, call: Call) -> Answer:
    """Tell what an execution has made, and what has become of it."""
    world, journal, maker = services.world, services.journal, {"execution_id": call.identity}
    jobs = [job for job in journal.all(JobKind.DEPLOYMENT) if maker.items() <= job.facts.items()]
    made = [job for job in jobs if job.status == "completed"]
    changed = [
        {"id": one, "status": "active", "before": facts["changes"][f"by {call.identity}"]}
        for one, facts in world.all("profile").items()
        if f"by {call.identity}" in (facts.get("changes") or {})
    ]
    return ok(
        {
            "jobs": [{"id": job.workflow_id, "status": job.status} for job in jobs],
            "endpoints": [_leaving(services, job) for job in made],
            "deployments": _things_of(services, "guardrail", call.identity),
            "profiles": [*_things_of(services, "profile", call.identity), *changed],
        }
    )


def _leaving(services: Services, job: Job) -> dict[str, Any]:
    deletion = services.journal.latest(JobKind.DELETION, job.made_id)
    ends = {"running": "deleting", "completed": "deleted"}
    status = ends.get(deletion.status, "running") if deletion else "running"
    return {"id": job.made_id, "name": job.subject, "status": status}


def _things_of(services: Services, kind: str, execution_id: str) -> list[dict[str, Any]]:
    there, gone = services.world.all(kind).values(), services.world.gone(kind)
    return [
        {"id": facts["id"], "status": status}
        for status, found in (("active", there), ("deleted", gone))
        for facts in found
        if facts.get("execution_id") == execution_id
    ]


def _shown(profile: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in profile.items() if name != "changes"}


def _deleted(services: Services, call: Call, kind: str) -> Answer:
    if services.world.get(kind, call.identity) is None:
        return not_found(kind.capitalize(), call.identity)
    services.world.delete(kind, call.identity)
    return ok({"message": "Deleted"})


def _probe(selected: dict[str, Any]) -> dict[str, Any]:
    return {**selected, "uri": _probe_uri(selected.get("id"))}


def _probe_uri(identity: Any) -> str:
    return f"probe.{identity}"


def _rule_of(services: Services, rule: Rule) -> dict[str, Any]:
    """One rule of a probe, with the model that it was given."""
    return {
        "id": rule.id,
        "name": rule.name,
        "uri": f"rule.{rule.id}",
        "status": "active",
        "model_uri": rule.model_uri,
        "model_id": services.journal.model_of(rule.id),
        "model_provider_type": "hugging_face",
        "model_type": "classifier",
    }


def _rule(model: dict[str, Any]) -> dict[str, Any]:
    """A rule as budapp knows it; those named ``llm…`` are judged by a language model."""
    rule_id = str(model.get("rule_id"))
    asks = rule_id.startswith("llm")
    return {
        "rule_id": rule_id,
        "rule_uri": f"rule.{rule_id}",
        "model_type": "llm" if asks else "classifier",
        "endpoint_name": model.get("endpoint_name"),
        "endpoint_url": model.get("endpoint_url"),
        **({"policy": POLICY, "target_labels": ["unsafe"]} if asks else {}),
    }


ROUTES = (
    ("PATCH", r"/budapp/internal/guardrails/rules/([^/]+)/model", link_rule),
    ("POST", r"/budapp/internal/guardrails/profiles", make_profile),
    ("GET", r"/budapp/guardrails/probe/([^/]+)", probe),
    ("GET", r"/budapp/guardrails/profile/([^/]+)", profile),
    ("PUT", r"/budapp/guardrails/profile/([^/]+)", change_profile),
    ("DELETE", r"/budapp/guardrails/profile/([^/]+)", delete_profile),
    ("POST", r"/budapp/internal/guardrails/deployments", make_deployment),
    ("GET", r"/budapp/internal/guardrails/deployments/([^/]+)", deployment),
    ("DELETE", r"/budapp/guardrails/deployment/([^/]+)", delete_deployment),
    ("GET", r"/budapp/internal/guardrails/made-by/([^/]+)", made_by),
    ("PUT", r"/budapp/internal/guardrails/redis/([^/]+)", write_table),
    ("POST", r"/budapp/internal/guardrails/redis/([^/]+)/restore", restore_table),
    ("DELETE", r"/budapp/internal/guardrails/redis/([^/]+)", delete_table),
)
