/** The graph as a list: how each step stands, and what it comes after. */

import { useMemo } from "react";
import type { DefinedStep, Step } from "../../api/types";
import { type Column, DataTable } from "../../parts/DataTable";
import { itemCounts } from "../../parts/itemCounts";
import { Pager, pageOf } from "../../parts/Pager";
import { Search } from "../../parts/Search";
import { Chip } from "../../parts/State";
import { useQueryString, withQuery } from "../../router";
import { stateOfStep } from "../../states";
import { duration, moment } from "../../time";
import { NOTHING_CHOSEN } from "../drawer/Drawer";
import { found } from "../graph/search";
import { nameOf, type Row, rowsOf } from "./rows";

const PAGE_SIZE = 100;

interface Props {
  steps: Step[];
  defined: DefinedStep[];
  selected: string | null;
  now: number;
}

export function List({ steps, defined, selected, now }: Props) {
  const query = useQueryString();
  const page = pageOf(query);
  const all = useMemo(() => rowsOf(steps, defined), [steps, defined]);
  const lit = found(query.get("find") ?? "", steps, defined);
  const rows = lit ? all.filter(({ step }) => lit.has(step.id)) : all;
  const columns: Column<Row>[] = [
    { head: "Step", cell: (row) => <Named {...row} />, names: true, width: "30%" },
    { head: "State", cell: ({ step }) => <Standing step={step} />, width: "150px" },
    {
      head: "Runs after",
      cell: ({ after }) => (after.length > 0 ? after.join(", ") : "begins at once"),
      card: "label",
    },
    { head: "Took", cell: ({ step }) => tookOf(step, now), number: true, width: "116px" },
  ];
  return (
    <section className="alone-part step-list" aria-label="List of steps">
      <div className="execution-line filters">
        <Search label="Name, state, action or param" name="find" />
      </div>
      {rows.length === 0 ? (
        <p className="empty">{lit ? "No step is like that." : "It has no steps yet."}</p>
      ) : (
        <DataTable
          label="Steps, in the order in which they run"
          columns={columns}
          rows={rows.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE)}
          keyOf={({ step }) => step.id}
          hrefOf={({ step }) => withQuery({ ...NOTHING_CHOSEN, step: step.id })}
          idOf={({ step }) => `step-${step.id}`}
          isChosen={({ step }) => step.id === selected}
        />
      )}
      {rows.length > PAGE_SIZE && (
        <Pager page={page} pageSize={PAGE_SIZE} total={rows.length} words={["Earlier", "Later"]} />
      )}
    </section>
  );
}

function Named({ number, step }: Row) {
  const name = nameOf(step);
  return (
    <>
      {number}. {name}
      <code className="sub">
        {name !== step.step_id && `${step.step_id} · `}
        {step.handler_type}
      </code>
    </>
  );
}

function Standing({ step }: { step: Step }) {
  const counted = step.items ? itemCounts(step.items) : [];
  return (
    <>
      <Chip state={stateOfStep(step)} />
      {counted.map(({ count, word }) => (
        <span key={word} className="sub">
          {count.toLocaleString("en-GB")} {word}
        </span>
      ))}
    </>
  );
}

function tookOf({ start_time, end_time }: Step, now: number): string {
  if (start_time === null) return "–";
  return duration((end_time === null ? now : moment(end_time)) - moment(start_time));
}
