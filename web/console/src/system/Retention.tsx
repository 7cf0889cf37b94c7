/** What is kept for how long, and deleting the rest now. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get, post } from "../api/client";
import type { Cleaned, Retention as Kept } from "../api/types";
import { useAct } from "../parts/act";
import { Confirm } from "../parts/Confirm";
import { DataTable } from "../parts/DataTable";
import { Facts, Section } from "../parts/Facts";
import { Listed } from "../parts/Listed";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { keptFor, subjectOf, titleOf } from "./words";

export function Retention() {
  const found = useQuery({
    queryKey: ["retention"],
    queryFn: ({ signal }) => get<Kept>("/retention", signal),
    staleTime: 30_000,
  });
  return (
    <Listed found={found} of="what is kept">
      {(kept) => (
        <div className="system-parts">
          <Rules kept={kept} />
          <Ledgers kept={kept} />
          <CleanUp kept={kept} />
        </div>
      )}
    </Listed>
  );
}

const counted = (count: number) => count.toLocaleString("en-GB");

function Rules({ kept }: { kept: Kept }) {
  return (
    <Section title="Executions are kept">
      <DataTable
        label="Rules, of which the first that fits decides"
        rows={kept.rules.map((rule, index) => ({ ...rule, at: index }))}
        keyOf={({ at }) => String(at)}
        columns={[
          { head: "Which", names: true, cell: (rule) => subjectOf(rule) },
          { head: "How long", width: "30%", card: "label", cell: (rule) => keptFor(rule) },
          {
            head: "Would go now",
            number: true,
            width: "150px",
            cell: ({ executions }) => counted(executions),
          },
        ]}
      />
    </Section>
  );
}

function Ledgers({ kept }: { kept: Kept }) {
  const now = useNow(false);
  return (
    <Section title="The next clean-up would delete">
      <div className="panel">
        <Facts
          facts={[
            ["Executions", counted(kept.executions)],
            ...Object.entries(kept.ledgers).map(([name, count]): [string, string] => [
              titleOf(name),
              counted(count),
            ]),
            ["Oldest end", kept.oldest_end && <Time at={kept.oldest_end} now={now} relative />],
            ["Kept before that in", kept.archive],
          ]}
        />
      </div>
    </Section>
  );
}

function CleanUp({ kept }: { kept: Kept }) {
  const [isAsking, ask] = useState(false);
  const [done, setDone] = useState<Cleaned | null>(null);
  const run = useAct({
    act: (dry_run: boolean) => post<Cleaned>("/retention/run", { dry_run }),
    changes: [["retention"], ["overview"]],
    said: ({ dry_run, executions }) =>
      `${counted(executions)} executions ${dry_run ? "would be" : "were"} deleted.`,
    after: (cleaned) => {
      setDone(cleaned);
      ask(false);
    },
    aloud: !isAsking,
  });
  return (
    <Section
      title="Clean up now"
      tools={
        <>
          <button type="button" disabled={run.isPending} onClick={() => run.once(true)}>
            Only count
          </button>
          <button
            type="button"
            className="danger"
            disabled={run.isPending}
            onClick={() => {
              run.reset();
              ask(true);
            }}
          >
            Delete…
          </button>
        </>
      }
    >
      <p className="muted">Beat does it every night; here it can be done at once.</p>
      {done && <Done done={done} />}
      {isAsking && (
        <Confirm
          title="Delete what is old enough?"
          word="Delete it"
          running={run.isPending}
          error={run.error}
          act={() => run.once(false)}
          close={() => ask(false)}
        >
          <p>
            {counted(kept.executions)} executions with their steps, events and logs, and{" "}
            {counted(Object.values(kept.ledgers).reduce((sum, count) => sum + count, 0))} other rows
            go, and nothing brings them back
            {kept.archive ? `; executions are kept in ${kept.archive} first.` : "."}
          </p>
        </Confirm>
      )}
    </Section>
  );
}

function Done({ done }: { done: Cleaned }) {
  const rows = Object.entries(done.ledgers);
  return (
    <div className="panel">
      <b>{done.dry_run ? "It would delete" : "It has deleted"}</b>
      <Facts
        facts={[
          ["Executions", counted(done.executions)],
          ["Steps", counted(done.steps)],
          ["Events", counted(done.events)],
          ["Revisions", counted(done.revisions)],
          ["Audit records", counted(done.audit_records)],
          ...rows.map(([name, count]): [string, string] => [titleOf(name), counted(count)]),
          ["Took", `${Number(done.duration_seconds).toFixed(1)} s`],
        ]}
      />
      {done.errors.length > 0 && <p className="failure">{done.errors.join(" ")}</p>}
    </div>
  );
}
