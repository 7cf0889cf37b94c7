/** How a pipeline was changed: its revisions, and what two of them say differently. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { change, read } from "../api/client";
import type { Pipeline, Revision } from "../api/types";
import { useAct } from "../parts/act";
import { Confirm } from "../parts/Confirm";
import { Listed } from "../parts/Listed";
import { Pager, pageOf } from "../parts/Pager";
import { useMay } from "../parts/rights";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { go, useQueryString, withQuery } from "../router";
import { canonicalLines, countOf, diff, hunks, type Line } from "./diff";

const PAGE_SIZE = 20;

export function Revisions({ pipeline, etag }: { pipeline: Pipeline; etag: string | null }) {
  const query = useQueryString();
  const page = pageOf(query);
  const found = useQuery({
    queryKey: ["pipeline", pipeline.id, "revisions", pipeline.revision, page],
    queryFn: ({ signal }) =>
      read<Revision[]>(
        `/pipelines/${pipeline.id}/revisions?page=${page}&page_size=${PAGE_SIZE}`,
        signal,
      ),
    placeholderData: keepPreviousData,
  });
  return (
    <Listed found={found} of="revisions">
      {({ value, total }) => (
        <>
          <Compared revisions={value} pipeline={pipeline} etag={etag} />
          <Pager page={page} pageSize={PAGE_SIZE} total={total ?? value.length} />
        </>
      )}
    </Listed>
  );
}

interface ComparedProps {
  revisions: Revision[];
  pipeline: Pipeline;
  etag: string | null;
}

/** The chosen one beside the one before it, or beside any other one of the page. */
function Compared({ revisions, pipeline, etag }: ComparedProps) {
  const query = useQueryString();
  const named = (name: string) =>
    revisions.find(({ revision }) => String(revision) === query.get(name));
  const chosen = named("revision") ?? revisions[0];
  if (!chosen) return <p className="muted">There is none.</p>;
  const before = revisions[revisions.indexOf(chosen) + 1];
  const base = named("base") ?? before;
  return (
    <div className="pipeline-revisions">
      <List revisions={revisions} chosen={chosen} base={base} />
      <Difference older={base} newer={chosen} pipeline={pipeline} etag={etag} />
    </div>
  );
}

interface ListProps {
  revisions: Revision[];
  chosen: Revision;
  base: Revision | undefined;
}

function List({ revisions, chosen, base }: ListProps) {
  const now = useNow(true, 10_000);
  const choose = (name: string, { revision }: Revision) =>
    go(withQuery({ [name]: String(revision) }), { replace: true });
  return (
    <table className="revision-list" aria-label="Revisions">
      <thead>
        <tr>
          <th scope="col">Revision</th>
          <th scope="col">Show</th>
          <th scope="col">From</th>
        </tr>
      </thead>
      <tbody>
        {revisions.map((one) => (
          <tr key={one.revision} data-chosen={one === chosen || undefined}>
            <td>
              <strong>{one.revision}</strong>
              <span className="sub">
                <Time at={one.saved_at} now={now} relative />
                {one.saved_by && ` by ${one.saved_by}`}
              </span>
            </td>
            {(["revision", "base"] as const).map((name) => (
              <td key={name}>
                <input
                  type="radio"
                  name={name}
                  aria-label={`${name === "base" ? "Compare with" : "Show"} revision ${one.revision}`}
                  checked={one === (name === "base" ? base : chosen)}
                  onChange={() => choose(name, one)}
                />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface DifferenceProps {
  older: Revision | undefined;
  newer: Revision;
  pipeline: Pipeline;
  etag: string | null;
}

function Difference({ older, newer, pipeline, etag }: DifferenceProps) {
  const lines = useMemo(
    () => diff(older ? canonicalLines(older.dag) : [], canonicalLines(newer.dag)),
    [older, newer],
  );
  const found = useMemo(() => hunks(lines), [lines]);
  const title = older
    ? `Revision ${newer.revision} compared with ${older.revision}`
    : `Revision ${newer.revision}, the oldest on this page`;
  return (
    <section className="pipeline-difference" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <span className="muted">
          {countOf(lines, "added")} added, {countOf(lines, "removed")} removed
        </span>
        <Restore revision={newer} pipeline={pipeline} etag={etag} />
      </header>
      {found.length === 0 ? (
        <p className="muted">Both say the same.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and by the keyboard too
        <section className="diff" aria-label="Lines that differ" tabIndex={0}>
          {found.map(({ skipped, lines: shown }) => (
            <div key={`${shown[0]?.before} ${shown[0]?.after}`}>
              {skipped > 0 && <p className="skipped-lines">{skipped} lines are the same</p>}
              {shown.map((line) => (
                <Row key={`${line.before} ${line.after}`} line={line} />
              ))}
            </div>
          ))}
        </section>
      )}
    </section>
  );
}

const SIGNS = { same: " ", added: "+", removed: "−" } as const;
const WORDS = { same: "", added: "came: ", removed: "went: " } as const;

function Row({ line: { kind, text, before, after } }: { line: Line }) {
  return (
    <div className={`diff-line ${kind}`}>
      <span className="line-number">{before}</span>
      <span className="line-number">{after}</span>
      <span className="sign" aria-hidden="true">
        {SIGNS[kind]}
      </span>
      <code>
        <span className="unseen">{WORDS[kind]}</span>
        {text}
      </code>
    </div>
  );
}

/** Stores what an older revision said as the newest one. */
function Restore({
  revision,
  pipeline,
  etag,
}: Omit<ComparedProps, "revisions"> & { revision: Revision }) {
  const [asked, setAsked] = useState(false);
  const may = useMay();
  const restore = useAct({
    act: () => change<Pipeline>("PUT", `/pipelines/${pipeline.id}`, { dag: revision.dag }, etag),
    changes: [["pipeline", pipeline.id], ["pipelines"]],
    said: ({ value }) => `Revision ${value.revision} says what ${revision.revision} said.`,
    after: () => {
      setAsked(false);
      go(withQuery({ revision: null, base: null }), { replace: true });
    },
  });
  const mine = may("pipelines:write") && (!pipeline.system_owned || may("admin"));
  if (!mine || revision.revision === pipeline.revision || pipeline.status === "ARCHIVED")
    return null;
  return (
    <>
      <button type="button" onClick={() => setAsked(true)}>
        Restore revision {revision.revision}…
      </button>
      {asked && (
        <Confirm
          title={`Restore revision ${revision.revision}?`}
          word="Restore"
          danger={false}
          running={restore.isPending}
          error={restore.error}
          act={() => restore.once(undefined)}
          close={() => setAsked(false)}
        >
          <p>
            What it says is stored as the newest revision. Nothing is lost, and what runs goes on as
            it began.
          </p>
        </Confirm>
      )}
    </>
  );
}
