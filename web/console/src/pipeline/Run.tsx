/** Starts a pipeline, with a form made from its parameters. */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { EXECUTIONS } from "../addresses";
import { get } from "../api/client";
import { isObject, print } from "../api/json";
import { Once } from "../api/once";
import type { Execution, Pipeline } from "../api/types";
import { useDrafts } from "../forms/drafts";
import { focusFirstProblem, ParamFields } from "../forms/ParamFields";
import type { Values } from "../forms/param";
import { fieldsOf, valuesAgain } from "../forms/parameters";
import { problemsOf, stillTrue } from "../forms/problems";
import { readJson } from "../forms/text";
import { useAct } from "../parts/act";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { FormFailure } from "../parts/FormFailure";
import { Failure } from "../parts/Notice";
import { go } from "../router";

interface Started {
  execution_id: string;
}

interface Props {
  pipeline: Pipeline;
  /** The execution whose params are to be used again. */
  from: string | null;
  close: () => void;
}

export function Run({ pipeline, from, close }: Props) {
  const again = useQuery({
    queryKey: ["execution", from, "params"],
    queryFn: async ({ signal }) => {
      const { pipeline_definition } = await get<Execution>(`/executions/${from}`, signal);
      return valuesAgain((pipeline_definition as { params?: Values }).params ?? {});
    },
    enabled: from !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (from !== null && !again.data) {
    return (
      <Dialog title={`Run ${pipeline.name}`} close={close} wide>
        {again.error ? <Failure error={again.error} /> : <p>Loading the params…</p>}
        <DialogButtons>
          <button type="button" onClick={close}>
            Close
          </button>
        </DialogButtons>
      </Dialog>
    );
  }
  return <Form pipeline={pipeline} first={again.data ?? {}} from={from} close={close} />;
}

function Form({ pipeline, first, from, close }: Props & { first: Values }) {
  const [values, setValues] = useState(first);
  const [drafts, setDraft] = useDrafts();
  const [sent, setSent] = useState<Values>({});
  const [heldBack, setHeldBack] = useState(false);
  const [json, setJson] = useState<string | null>(null);
  const [once] = useState(() => new Once());
  const frame = useRef<HTMLDivElement>(null);
  const params = fieldsOf(pipeline.dag?.parameters);
  const raw = json === null ? null : readParams(json);
  const start = useAct({
    act: (params: Values) =>
      once.post<Started>("/executions", { pipeline_id: pipeline.id, params }),
    changes: [["executions"], ["pipelines"]],
    after: ({ execution_id }) => go(`${EXECUTIONS}/${execution_id}`),
  });
  const submit = () => {
    const given = raw === null ? values : "values" in raw ? raw.values : null;
    const unfinished = given === null || (raw === null && Object.keys(drafts).length > 0);
    setHeldBack(unfinished);
    if (unfinished) focusFirstProblem(frame.current);
    else {
      setSent(given);
      start.once(given);
    }
  };
  const turn = (toJson: boolean) => {
    if (toJson) setJson(print(values));
    else if (raw && "values" in raw) {
      setValues(raw.values);
      setJson(null);
    }
  };
  const problems = useMemo(() => problemsOf(start.error), [start.error]);
  useEffect(() => {
    if (problems.length > 0) focusFirstProblem(frame.current);
  }, [problems]);
  return (
    <Dialog title={`Run ${pipeline.name}`} close={close} wide submit={submit}>
      <div className="pipeline-run" ref={frame}>
        {from && (
          <p>
            With the params of <code>{from}</code>; secrets are not among them.
          </p>
        )}
        {json !== null ? (
          <Raw text={json} change={setJson} fault={raw && "fault" in raw ? raw.fault : null} />
        ) : params.length === 0 && Object.keys(values).length === 0 ? (
          <p>It has no parameters.</p>
        ) : (
          <ParamFields
            params={params}
            values={values}
            onChange={setValues}
            problems={stillTrue(problems, sent, values)}
            drafts={drafts}
            onDraft={setDraft}
          />
        )}
      </div>
      {heldBack && (
        <p className="failure" role="alert">
          Something in it cannot be read yet, so nothing was started.
        </p>
      )}
      <FormFailure error={heldBack ? null : start.error} shown={json === null ? ["/params"] : []} />
      <div className="run-answers">
        <FormOrJson json={json !== null} turn={turn} blocked={raw !== null && "fault" in raw} />
        <DialogButtons>
          <button type="button" onClick={close}>
            Leave it
          </button>
          <button type="submit" className="main" disabled={start.isPending}>
            {start.isPending ? "Starting…" : "Run"}
          </button>
        </DialogButtons>
      </div>
    </Dialog>
  );
}

type Raw = { values: Values } | { fault: string };

function readParams(text: string): Raw {
  const reading = readJson(text.trim() === "" ? "{}" : text);
  if ("fault" in reading) {
    const { line, column, message } = reading.fault;
    return { fault: `Line ${line}, column ${column}: ${message}` };
  }
  return isObject(reading.value)
    ? { values: reading.value }
    : { fault: "Params are an object: { … }." };
}

/** Both show the same values: nothing is lost on the way, and what cannot be read stays where it is. */
function FormOrJson({
  json,
  turn,
  blocked,
}: {
  json: boolean;
  turn: (toJson: boolean) => void;
  blocked: boolean;
}) {
  return (
    <fieldset className="switch form-or-json" disabled={json && blocked}>
      <legend className="unseen">How the params are shown</legend>
      {[false, true].map((one) => (
        <label key={String(one)}>
          <input
            type="radio"
            name="form-or-json"
            checked={json === one}
            onChange={() => turn(one)}
          />
          <span>{one ? "JSON" : "Form"}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Raw({
  text,
  change,
  fault,
}: {
  text: string;
  change: (text: string) => void;
  fault: string | null;
}) {
  return (
    <div>
      <textarea
        aria-label="Params as JSON"
        className="raw"
        rows={16}
        spellCheck={false}
        value={text}
        aria-invalid={fault !== null || undefined}
        aria-describedby="raw-fault"
        onChange={({ target }) => change(target.value)}
      />
      <p id="raw-fault" className="failure" aria-live="polite">
        {fault}
      </p>
    </div>
  );
}
