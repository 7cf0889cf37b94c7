import { expect, test } from "vitest";
import { Problem } from "../src/api/client";
import { Exact } from "../src/api/json";
import type { ModelStatus } from "../src/api/types";
import { gigabytes, shareOf } from "../src/guardrails/figures";
import { filtersOf, placeOf, requestOf } from "../src/guardrails/listing";
import { summed, toDo } from "../src/guardrails/models";
import { problemsAt, ruleLines, withRule, withRules } from "../src/guardrails/selection";
import {
  isComplete,
  neighbour,
  STEPS,
  stateOfStep,
  stepNamed,
  stepToShow,
} from "../src/guardrails/stepList";
import {
  bodyOf,
  buttonWord,
  faultsOf,
  forgets,
  missingOf,
  valuesOf,
} from "../src/guardrails/submission";
import { suggestionsOf } from "../src/guardrails/suggestions";
import { summaryOf } from "../src/guardrails/summaries";
import { forward, type Progress, type Workflow } from "../src/guardrails/workflow";

const ID = "01a20112-0d5c-7a43-9f0e-6a0f3f6d2b22";
const MODEL = {
  rule_id: "rule-1",
  rule_name: "Harm",
  probe_id: "harm",
  model_uri: "demo/harm",
  status: "not_onboarded",
  requires_onboarding: true,
  requires_deployment: true,
  can_reuse: false,
  show_warning: false,
} as unknown as ModelStatus;
const CLUSTER = {
  cluster_id: "ams",
  cluster_name: "Amsterdam",
  available_memory_gb: new Exact("640.0"),
  required_memory_gb: 32,
  headroom_gb: 608,
};
/** The server tells each field, and null where nobody has said anything. */
const NOTHING = Object.fromEntries(
  STEPS.flatMap(({ fields }) => fields.map((name) => [name, null])),
);

function workflow(steps: Record<string, unknown> = {}, more: Partial<Workflow> = {}): Workflow {
  const usual = {
    workflow_id: ID,
    phase: "collecting",
    status: "in_progress",
    current_step: 1,
    next_step: 2,
    skipped_steps: [],
    version: 1,
    runs: [],
  };
  return { ...usual, ...more, workflow_steps: { ...NOTHING, ...steps } } as unknown as Workflow;
}

const run = (step_number: number, status: string) =>
  [{ step_number, status, execution_id: "e" }] as unknown as Workflow["runs"];

test("there are twelve, and each field belongs to one of them", () => {
  const fields = STEPS.flatMap((step) => step.fields);

  expect(STEPS.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(new Set(fields).size).toBe(fields.length);
});

test("a step is complete when what it needs is known, also where that is false or found out", () => {
  const said = workflow({
    provider_id: "p",
    endpoint_ids: [],
    is_standalone: false,
    model_statuses: [{ ...MODEL, requires_onboarding: false }],
    deploy_config: {},
    recommended_clusters: [CLUSTER],
    cluster_id: "gone",
    guardrail_profile_id: "g",
  });

  const complete = STEPS.map(({ number }) => number).filter((number) => isComplete(said, number));

  expect(complete).toEqual([1, 3, 4, 5, 7, 9, 11]);
});

test("the server's answer decides what is shown: what is next, what runs, and at the end all of it", () => {
  expect(stepToShow(null)).toBe(1);
  expect(stepToShow(workflow({}, { next_step: 9 }))).toBe(9);
  const running = workflow({}, { phase: "recommending", next_step: null, runs: run(8, "running") });
  expect(stepToShow(running)).toBe(8);
  expect(stepToShow(workflow({}, { phase: "completed", next_step: null }))).toBe(12);
});

test("steps that are passed over are no neighbours", () => {
  const reused = workflow({}, { skipped_steps: [5, 6, 7, 8] });

  expect([neighbour(reused, 4, 1), neighbour(reused, 9, -1)]).toEqual([9, 4]);
  expect([neighbour(reused, 1, -1), neighbour(reused, 12, 1)]).toEqual([null, null]);
});

test("each step stands as the workflow does, and a failed pipeline is its step's failure", () => {
  const word = (found: Workflow, number: number) => stateOfStep(found, number).word;
  const failed = workflow(
    { provider_id: "p" },
    { phase: "failed", next_step: 5, runs: run(5, "failed") },
  );

  expect([word(failed, 1), word(failed, 5), word(failed, 6)]).toEqual(["Done", "Failed", "Open"]);
  const stopping = workflow({}, { phase: "cancelling", runs: run(12, "running") });
  expect(word(stopping, 12)).toBe("Cancelling");
  expect(word(workflow({}, { skipped_steps: [10] }), 10)).toBe("Skipped");
  expect(stepNamed("13")).toBeNull();
});

test("what was said comes back as it was, and is sent with the frame of the request", () => {
  const said = workflow({ project_id: "p-1", severity_threshold: 0, name: "Guard" });

  expect(valuesOf(said, 11)).toEqual({ name: "Guard", severity_threshold: 0 });
  expect(bodyOf(null, 1, { provider_id: "p" })).toEqual({
    workflow_total_steps: 12,
    step_number: 1,
    provider_id: "p",
  });
  expect(bodyOf(said, 7, {})).toEqual({ workflow_id: ID, step_number: 7, deploy_config: {} });
  expect(bodyOf(said, 12, {})).toMatchObject({ step_number: 12, trigger_workflow: true });
});

test("a description can be taken away; what has no nothing says so before it is sent", () => {
  const said = workflow({ name: "Guard", description: "long", provider_id: "p" });

  expect(bodyOf(said, 11, { name: "Guard" })).toMatchObject({ description: "" });
  expect(faultsOf(said, 11, { name: "Guard" })).toEqual([]);
  expect(faultsOf(said, 1, { provider_type: "t" }).map(({ name }) => name)).toEqual([
    "provider_id",
  ]);
});

test("what is needed and was never said is told at its field", () => {
  expect(faultsOf(null, 1, {}).map(({ name }) => name)).toEqual(["provider_type", "provider_id"]);
  expect(faultsOf(workflow(), 9, { is_standalone: false })).toEqual([]);
  expect(faultsOf(workflow({ guardrail_profile_id: "g" }), 11, {})).toEqual([]);
  const none = { probe_selections: [{ id: "harm", rules: [] }] };
  expect(faultsOf(workflow(), 3, none)[0]?.path).toBe("0/rules");
});

test("who is about to change an answer hears what hangs on it", () => {
  const said = workflow({
    project_id: "p-1",
    hardware_mode: "shared",
    recommended_clusters: [CLUSTER],
    endpoint_ids: ["chat"],
  });

  expect(forgets(said, { hardware_mode: "dedicated" })).toEqual(["the recommended clusters"]);
  expect(forgets(said, { project_id: "p-2" })).toEqual([
    "the recommended clusters",
    "the endpoints",
  ]);
  expect(forgets(said, { project_id: "p-1" })).toEqual([]);
});

test("the button says what it starts, and is none where sending would do nothing", () => {
  const onboarding = workflow({ model_statuses: [MODEL] });
  const failed = workflow({}, { phase: "failed", runs: run(12, "failed") });

  expect(buttonWord(null, 1, true)).toBe("Begin");
  expect(buttonWord(onboarding, 5, false)).toBe("Onboard the models");
  expect(buttonWord(workflow({ recommended_clusters: [] }), 8, false)).toBe(
    "Look for clusters again",
  );
  expect(buttonWord(workflow({ project_id: "p" }), 2, false)).toBeNull();
  expect(buttonWord(failed, 12, false)).toBe("Deploy again");
});

test("a refusal names the steps that come first", () => {
  const missing = [{ step: 6, fields: ["hardware_mode"] }, { step: 8, fields: [] }, "x"];
  const refused = new Problem(409, "guardrail_step_not_reached", "not yet", { missing });

  expect(missingOf(refused.body)).toEqual(missing.slice(0, 2));
  expect(missingOf({})).toEqual([]);
});

test("models are told by what has to be done for them", () => {
  const running = { ...MODEL, status: "unhealthy", requires_onboarding: false };
  const reused = { ...running, requires_deployment: false, can_reuse: true, show_warning: true };

  expect(
    [MODEL, { ...MODEL, status: "failure", requires_onboarding: false }, reused].map((one) =>
      toDo(one),
    ),
  ).toEqual(["onboard, then deploy", "deploy anew", "nothing: it is used, though unhealthy"]);
  expect(summed([MODEL, reused])).toBe("2 models: 1 to onboard, 1 to deploy, 1 in use as they are");
});

test("rules are all that are on, or only those that are chosen, and unknown members stay", () => {
  const known = [{ id: "rule-1", name: "Harm", model: "m" }];
  const probe = { id: "harm", colour: "red", rules: [{ id: "own", status: "disabled" }] };

  expect(ruleLines(probe, known).map(({ id, chosen }) => [id, chosen])).toEqual([
    ["rule-1", false],
    ["own", false],
  ]);
  expect(withRule(probe, "rule-1", true)).toMatchObject({
    colour: "red",
    rules: [{ id: "own" }, { id: "rule-1" }],
  });
  expect(withRules(probe, null)).toEqual({ id: "harm", colour: "red" });
  const told = [{ name: "probe_selections", path: "1/rules/0/id", message: "no such rule" }];
  expect(problemsAt(told, 0)).toEqual([]);
  expect(problemsAt(told, 1)).toEqual([{ name: "rules", path: "0/id", message: "no such rule" }]);
});

test("what earlier workflows have said is offered once, the newest first", () => {
  const known = suggestionsOf([
    workflow({ project_id: "b", endpoint_ids: ["chat"], model_statuses: [MODEL, MODEL] }),
    workflow({ project_id: "a", profile_id: "made" }),
    workflow({ project_id: "b" }),
  ]);

  expect(known.values).toMatchObject({
    project_id: ["b", "a"],
    endpoint_ids: ["chat"],
    guardrail_profile_id: ["made"],
  });
  expect(known.rules.harm).toEqual([{ id: "rule-1", name: "Harm", model: "demo/harm" }]);
});

test("figures and answers are told in a few words", () => {
  const said = workflow({
    recommended_clusters: [CLUSTER],
    cluster_id: "ams",
    probe_selections: [{ id: "harm" }, { id: "topics" }],
    deploy_config: {},
    is_standalone: false,
  });

  expect([3, 7, 8, 9, 10].map((number) => summaryOf(said, number))).toEqual([
    "harm, topics",
    "as usual",
    "Amsterdam",
    "in front of endpoints",
    "",
  ]);
  expect([gigabytes(CLUSTER.available_memory_gb), shareOf(CLUSTER)]).toEqual(["640 GB", 5]);
});

test("the list says where each workflow is, and asks for what its address names", () => {
  expect(placeOf(workflow({}, { next_step: 6 }))).toBe("6 of 12 · Hardware mode");
  expect(requestOf(filtersOf(new URLSearchParams("status=failed&page=2")))).toContain(
    "?status=failed&page=2",
  );
  expect(filtersOf(new URLSearchParams("status=happy")).status).toBeNull();
});

test("an answer that comes late leads nobody back", () => {
  const at = (version: number) => ({ workflow: workflow({}, { version }) }) as unknown as Progress;
  const [older, newer] = [at(3), at(4)];

  expect(forward(newer, older)).toBe(newer);
  expect(forward(older, newer)).toBe(newer);
});
