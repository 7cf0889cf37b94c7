/** A new pipeline: it is stored without steps, as a draft, and edited from then on. */

import { type FormEvent, useId, useState } from "react";
import { editorAt, PIPELINES } from "../addresses";
import { Problem } from "../api/client";
import { PageHead } from "../parts/PageHead";
import { go, Link } from "../router";
import { create } from "./server";
import "./editor.css";

export default function New() {
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const field = useId();
  const trimmed = name.trim();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!trimmed || isBusy) return;
    setBusy(true);
    setProblem(null);
    try {
      const id = await create(trimmed);
      go(editorAt(id), { replace: true });
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, "error", String(error)));
      setBusy(false);
    }
  };
  return (
    <div className="list-page">
      <PageHead title="New pipeline" />
      <form className="new-pipeline" onSubmit={submit} noValidate>
        <label htmlFor={field}>Name</label>
        <input
          id={field}
          value={name}
          maxLength={255}
          autoComplete="off"
          // biome-ignore lint/a11y/noAutofocus: the page asks for nothing else
          autoFocus
          aria-describedby={`${field}-about`}
          aria-invalid={problem !== null || undefined}
          onChange={(event) => setName(event.target.value)}
        />
        <p id={`${field}-about`} className="muted">
          What it is started by. It is stored without steps; the next page is the editor.
        </p>
        {problem && (
          <p className="failure" role="alert">
            {problem.message} <code>{problem.code}</code>
          </p>
        )}
        <div className="answers">
          <Link className="button" href={PIPELINES}>
            Back
          </Link>
          <button type="submit" className="main" disabled={!trimmed || isBusy}>
            Create and edit
          </button>
        </div>
      </form>
    </div>
  );
}
