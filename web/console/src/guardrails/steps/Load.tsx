/** Step 7: what the models have to carry, what they have to reach, and how they scale. */

import { isObject } from "../../api/json";
import { ParamFields } from "../../forms/ParamFields";
import { type Param, withValue } from "../../forms/param";
import type { FormProps } from "./form";

const number = (name: string, label: string, usual: number | null, description: string): Param => ({
  name,
  label,
  type: "number",
  default: usual,
  description,
  validation: { min: 1 },
  group: usual === null ? "Targets of the simulation" : null,
});

const range = (name: string, label: string, description: string): Param => ({
  name,
  label,
  type: "range",
  description,
  group: "Targets of the deployment",
  validation: { items: { min: 1 } },
});

const LOAD = [
  number("concurrency", "Requests at once", 10, "What is left out is as usual."),
  number("input_tokens", "Tokens of a request", 1024, "On average."),
  number("output_tokens", "Tokens of an answer", 128, "On average."),
  number("target_ttft", "Time to the first token", null, "Milliseconds, at most."),
  number("target_throughput_per_user", "Throughput per user", null, "Tokens per second, at least."),
  number("target_e2e_latency", "Time of a whole answer", null, "Seconds, at most."),
  range("ttft", "Time to the first token", "Milliseconds."),
  range("per_session_tokens_per_sec", "Tokens of a session in a second", "At dedicated hardware."),
  range("e2e_latency", "Time of a whole answer", "Seconds."),
];

const SCALING: Param[] = [
  {
    name: "budaiscaler_specification",
    label: "How it scales",
    type: "json",
    shape: "object",
    description: "Such as {enabled, minReplicas, maxReplicas}; left out, it does not.",
  },
];

export function Load({ values, change, problems, drafts, setDraft }: FormProps) {
  const { deploy_config, ...others } = values;
  const of = (name: string) => problems.filter((problem) => problem.name === name);
  return (
    <>
      {of("deploy_config").map(({ message }) => (
        <p key={message} className="guardrail-problem" role="alert">
          {message}
        </p>
      ))}
      <div className="load">
        <ParamFields
          params={LOAD}
          values={isObject(deploy_config) ? deploy_config : {}}
          onChange={(next) => change(withValue(values, "deploy_config", next))}
          drafts={drafts}
          onDraft={setDraft}
        />
      </div>
      <ParamFields
        params={SCALING}
        values={others}
        onChange={(next) => change({ ...withValue(next, "deploy_config", deploy_config) })}
        problems={of("budaiscaler_specification")}
        drafts={drafts}
        onDraft={setDraft}
      />
    </>
  );
}
