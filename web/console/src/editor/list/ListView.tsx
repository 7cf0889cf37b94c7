/** The steps as a list: what each does, and what it waits for. Its panel is beside it. */

import { type Column, DataTable } from "../../parts/DataTable";
import { Link, withQuery } from "../../router";
import { WORDS } from "../canvas/nodes";
import { badgesOf } from "../canvas/StepCard";
import { useEditor } from "../context";
import { type Listed, listed } from "../model/listing";
import { actionOf, isBlock, nameOf } from "../model/steps";

type Row = Listed & { number: number; problems: number };

export function ListView({ chosen }: { chosen: string | null }) {
  const { editing, palette, problems } = useEditor();
  const wrong = problems.filter(({ isWarning }) => !isWarning);
  const rows = listed(editing.document).map((one, index) => ({
    ...one,
    number: index + 1,
    problems: wrong.filter(({ step }) => step?.id === one.placed.id).length,
  }));
  const actionName = ({ placed: { step } }: Row) =>
    isBlock(step)
      ? "Block of steps"
      : (palette?.byType.get(actionOf(step).type)?.name ?? (actionOf(step).type || "no action"));
  const columns: Column<Row>[] = [
    { head: "Step", cell: (row) => <Named {...row} />, names: true, width: "30%" },
    { head: "Action", cell: actionName, width: "24%" },
    { head: "Runs after", cell: (row) => <After {...row} />, card: "label" },
    { head: "Special", cell: (row) => <Special {...row} />, width: "22%" },
  ];
  return (
    <section className="step-list" aria-label="List of steps">
      {rows.length === 0 ? (
        <div className="notice">
          <h2>No steps yet</h2>
          <p>
            Find an action with <kbd>/</kbd>, and add it with Enter.
          </p>
        </div>
      ) : (
        <DataTable
          label="Steps, in the order of their lines"
          columns={columns}
          rows={rows}
          keyOf={({ placed }) => String(placed.path)}
          hrefOf={({ placed }) => withQuery({ step: placed.id, tab: null, in: null })}
          isChosen={({ placed }) => placed.id === chosen}
        />
      )}
    </section>
  );
}

function Named({ number, placed: { id, step } }: Row) {
  return (
    <>
      {number}. {nameOf(step)}
      <code className="sub">{id}</code>
    </>
  );
}

function After({ after, within }: Row) {
  const words = after.length > 0 ? after.join(", ") : within ? null : "begins at once";
  return (
    <>
      {words}
      {within && (
        <span className={words ? "sub" : "muted"}>
          {"block" in within ? `in ${within.block}` : WORDS[within.end]}
        </span>
      )}
    </>
  );
}

function Special({ placed: { id, step }, problems }: Row) {
  return (
    <span className="badges">
      {problems > 0 && (
        <span className="bad-count">
          {problems} {problems === 1 ? "problem" : "problems"}
        </span>
      )}
      {badgesOf(step).map((badge) => (
        <span key={badge} className="badge">
          {badge}
        </span>
      ))}
      {isBlock(step) && <Link href={withQuery({ view: null, in: id, step: null })}>Open</Link>}
    </span>
  );
}
