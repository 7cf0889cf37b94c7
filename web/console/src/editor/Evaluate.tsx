/** What a template would have given in an execution that there was. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get, Problem, post } from "../api/client";
import { serverNow } from "../api/clock";
import { print } from "../api/json";
import type { ExecutionList } from "../api/types";
import { ParamFields } from "../forms/ParamFields";
import type { Param } from "../forms/param";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { Preformatted } from "../parts/Preformatted";
import { stateOfExecution } from "../states";
import { ago, moment } from "../time";
import { useEditor } from "./context";
import { nameOf, type Placed, ROOT, stepsOf } from "./model/steps";
import { useCompletions } from "./panel/Fields";

const TEMPLATE: Param[] = [
  {
    name: "template",
    label: "Template",
    type: "template",
    placeholder: "{{ params.version }}",
    description: "What stands in {{ }} is evaluated; secrets are shown as masks.",
  },
];

interface Evaluated {
  value: unknown;
  type: string;
}

export function Evaluate({
  id,
  placed,
  close,
}: {
  id: string;
  placed: Placed | null;
  close: () => void;
}) {
  const { editing } = useEditor();
  const steps = stepsOf(editing.document, ROOT);
  const list = useExecutions(id);
  const [execution, setExecution] = useState("");
  const [step, setStep] = useState(steps.some(({ id }) => id === placed?.id) ? placed?.id : "");
  const [text, setText] = useState("");
  const [result, setResult] = useState<Evaluated | Problem | null>(null);
  const completions = useCompletions(steps.find((one) => one.id === step) ?? null);
  const chosen = execution || (list[0]?.id ?? "");
  const submit = async () => {
    if (!chosen || !text) return;
    const body = { template: text, ...(step ? { step_id: step } : {}) };
    try {
      setResult(await post<Evaluated>(`/executions/${chosen}/evaluate`, body));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setResult(error);
    }
  };
  return (
    <Dialog title="Evaluate a template" close={close} submit={() => void submit()} wide>
      {list.length === 0 && (
        <p>
          Nothing has been executed yet: there is nothing to try it with.{" "}
          <code>pipeline-engine run</code> starts one.
        </p>
      )}
      <div className="try-where">
        <label>
          In the execution
          <select value={chosen} onChange={(event) => setExecution(event.target.value)}>
            {list.map((one) => (
              <option key={one.id} value={one.id}>
                {stateOfExecution(one).word}, {ago(moment(one.created_at), serverNow())} · {one.id}
              </option>
            ))}
          </select>
        </label>
        <label>
          At the step
          <select value={step} onChange={(event) => setStep(event.target.value)}>
            <option value="">the execution as a whole</option>
            {steps.map(({ key, id, step }) => (
              <option key={key} value={id}>
                {nameOf(step)} ({id})
              </option>
            ))}
          </select>
        </label>
      </div>
      <div data-own-undo>
        <ParamFields
          params={TEMPLATE}
          values={text ? { template: text } : {}}
          onChange={(values) => setText(String(values.template ?? ""))}
          mode="templates"
          completions={completions}
        />
      </div>
      <Result result={result} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Close
        </button>
        <button type="submit" className="main" disabled={!chosen || !text}>
          Evaluate
        </button>
      </DialogButtons>
    </Dialog>
  );
}

function Result({ result }: { result: Evaluated | Problem | null }) {
  if (result === null) return null;
  if (result instanceof Problem) {
    return (
      <p className="failure" role="alert">
        {result.message} <code>{result.code}</code>
      </p>
    );
  }
  return (
    <div role="status">
      <p>
        It gives {/^[aio]/.test(result.type) ? "an" : "a"} {result.type}:
      </p>
      <Preformatted>{print(result.value)}</Preformatted>
    </div>
  );
}

function useExecutions(id: string): ExecutionList["executions"] {
  const { data } = useQuery({
    queryKey: ["editor", id, "executions"],
    queryFn: ({ signal }) =>
      get<ExecutionList>(`/executions?pipeline_id=${encodeURIComponent(id)}&page_size=10`, signal),
    staleTime: 10_000,
  });
  return data?.executions ?? [];
}
