/** A definition from a file, or pasted: checked first, with every problem and its place. */

import { type DragEvent, useId, useState } from "react";
import { pipelineAt } from "../addresses";
import { post } from "../api/client";
import { issueText } from "../api/issueText";
import { isFault } from "../api/jsonText";
import type { Issue, Pipeline, Report } from "../api/types";
import { readDefinition } from "../definition/formats";
import { useAct } from "../parts/act";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { FormFailure } from "../parts/FormFailure";
import { go } from "../router";

/** Characters; the API takes less than this, and says so better. */
const LARGEST = 10_000_000;

export function Import({ close }: { close: () => void }) {
  const [text, setText] = useState("");
  const [unreadable, setUnreadable] = useState<string | null>(null);
  const [report, setReport] = useState<Report | null>(null);
  const id = useId();
  const type = (next: string) => {
    setText(next);
    setUnreadable(null);
    setReport(null);
  };
  const take = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > LARGEST) setUnreadable(`${file.name} is too large for a definition.`);
    else type(await file.text());
  };
  const definition = async () => {
    const read = await readDefinition(text);
    if (!isFault(read)) return read.document;
    setUnreadable(`Line ${read.line}, column ${read.column}: ${read.message}`);
    return null;
  };
  const store = useAct({
    act: async () => {
      const dag = await definition();
      if (dag === null) return null;
      const found = await post<Report>("/validate", { dag });
      setReport(found);
      return found.valid ? post<Pipeline>("/pipelines", { dag }) : null;
    },
    changes: [["pipelines"]],
    said: (made) => made && `${made.name} is stored.`,
    after: (made) => made && go(pipelineAt(made.id)),
  });
  const drop = (event: DragEvent) => {
    event.preventDefault();
    void take(event.dataTransfer.files[0]);
  };
  return (
    <Dialog
      title="Import a definition"
      close={close}
      wide
      submit={() => text.trim() && store.once(undefined)}
    >
      <div className="import-file">
        <label htmlFor={`${id}-file`}>A file, JSON or YAML</label>
        <input
          id={`${id}-file`}
          type="file"
          accept=".json,.yaml,.yml,application/json"
          onChange={({ target }) => void take(target.files?.[0])}
        />
      </div>
      <label>
        or its text
        <textarea
          className="import-text"
          rows={12}
          spellCheck={false}
          value={text}
          aria-invalid={unreadable !== null || report?.valid === false || undefined}
          aria-describedby={`${id}-found`}
          placeholder={'{"name": "release", "steps": [ … ]}'}
          onChange={({ target }) => type(target.value)}
          onDragOver={(event) => event.preventDefault()}
          onDrop={drop}
        />
      </label>
      <div id={`${id}-found`} aria-live="polite">
        {unreadable && <p className="failure">{unreadable}</p>}
        {report && <Issues report={report} />}
      </div>
      <FormFailure error={store.error} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Close
        </button>
        <button type="submit" className="main" disabled={store.isPending || !text.trim()}>
          Check and store
        </button>
      </DialogButtons>
    </Dialog>
  );
}

function Issues({ report }: { report: Report }) {
  const { error_details: errors, warning_details: warnings } = report;
  if (errors.length === 0) return null;
  return (
    <>
      <p className="failure">
        {errors.length === 1 ? "One error keeps" : `${errors.length} errors keep`} it from being
        stored.
      </p>
      <ul className="import-issues">
        {[...errors, ...warnings].map((issue, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two may say the same
          <IssueParts key={at} issue={issue} warns={at >= errors.length} />
        ))}
      </ul>
    </>
  );
}

function IssueParts({ issue, warns }: { issue: Issue; warns: boolean }) {
  const { pointer, code } = issue;
  return (
    <li className={warns ? "warns" : undefined}>
      <span className="where">
        {warns ? "Warning" : "Error"} <code>{pointer || "/"}</code>
      </span>
      {issueText(issue)} <code>{code}</code>
    </li>
  );
}
