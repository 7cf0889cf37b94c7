/** Treats a body as if somebody had sent it; unless one wants more, it only says what would happen. */

import { useState } from "react";
import { EXECUTIONS } from "../addresses";
import { post } from "../api/client";
import { print } from "../api/json";
import type { Webhook, WebhookTrial } from "../api/types";
import { readJson } from "../forms/text";
import { useAct } from "../parts/act";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { AreaField, CheckField } from "../parts/Field";
import { FormFailure } from "../parts/FormFailure";
import { objectOf } from "../parts/lines";
import { Preformatted } from "../parts/Preformatted";
import { changesOf } from "../parts/queries";
import { Link } from "../router";
import { pathOf } from "./Acts";

export function Test({ webhook, close }: { webhook: Webhook; close: () => void }) {
  const [body, setBody] = useState("{}");
  const [headers, setHeaders] = useState("");
  const [isDry, setDry] = useState(true);
  const readBody = readJson(body);
  const readHeaders = objectOf(headers);
  const bodyProblem = "fault" in readBody ? readBody.fault : null;
  const headersProblem = "problem" in readHeaders ? readHeaders.problem : null;
  const [result, setResult] = useState<{ trial: WebhookTrial; wasDry: boolean } | null>(null);
  const test = useAct({
    act: () =>
      post<WebhookTrial>(`${pathOf(webhook.id)}/test`, {
        body: "value" in readBody ? (readBody.value ?? null) : null,
        headers: ("value" in readHeaders && readHeaders.value) || {},
        dry_run: isDry,
      }),
    changes: changesOf("webhook"),
    after: (trial) => setResult({ trial, wasDry: isDry }),
  });
  const isReady = !bodyProblem && !headersProblem;
  return (
    <Dialog
      wide
      title={`Test “${webhook.name}”`}
      close={close}
      submit={() => isReady && test.once(undefined)}
    >
      <AreaField
        label="Body (JSON)"
        mono
        rows={6}
        value={body}
        change={setBody}
        problem={
          bodyProblem &&
          `Line ${bodyProblem.line}, column ${bodyProblem.column}: ${bodyProblem.message}`
        }
      />
      <AreaField
        label="Headers (JSON, optional)"
        mono
        rows={2}
        value={headers}
        change={setHeaders}
        problem={headersProblem}
        hint='{"X-GitHub-Event": "push"}'
      />
      <CheckField
        label="Only say what would happen"
        hint="Otherwise the pipeline is started."
        value={isDry}
        change={setDry}
      />
      {result && <Result {...result} />}
      <FormFailure error={test.error} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Close
        </button>
        <button type="submit" className="main" disabled={test.isPending || !isReady}>
          {isDry ? "Try it" : "Start it"}
        </button>
      </DialogButtons>
    </Dialog>
  );
}

function Result({ trial, wasDry }: { trial: WebhookTrial; wasDry: boolean }) {
  const { params, problems, dedupe_key, execution_id } = trial;
  return (
    <div className="trial" aria-live="polite">
      {execution_id ? (
        <p>
          <Link href={`${EXECUTIONS}/${execution_id}`}>It was started</Link> with these params:
        </p>
      ) : (
        <p>
          {problems.length === 0
            ? "It would start with these params:"
            : `It ${wasDry ? "would be" : "was"} refused:`}
        </p>
      )}
      {problems.length > 0 && (
        <ul className="failure">
          {problems.map(({ pointer, code, message }) => (
            <li key={`${pointer} ${code}`}>
              {pointer && <code>{pointer}</code>} {message} <code>{code}</code>
            </li>
          ))}
        </ul>
      )}
      <Preformatted>{print(params)}</Preformatted>
      {dedupe_key && (
        <p>
          It counts once by <code>{dedupe_key}</code>.
        </p>
      )}
    </div>
  );
}
