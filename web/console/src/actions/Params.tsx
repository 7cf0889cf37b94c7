import type { ListedAction } from "../api/types";
import type { Param } from "../forms/param";
import { DataTable } from "../parts/DataTable";
import { leftOut, rulesOf } from "./catalogue";

/** What an action is given, group by group as its form has them. */
export function Params({ params }: { params: ListedAction["params"] }) {
  if (params.length === 0) return <p className="muted">It takes no params.</p>;
  return (
    <DataTable
      label="Params"
      rows={params as unknown as Param[]}
      keyOf={({ name }) => name}
      columns={[
        {
          head: "Name",
          names: true,
          width: "24%",
          cell: ({ name, label, group }) => (
            <>
              <code className="action-param-name">{name}</code>
              <span className="sub">
                {label}
                {group && ` · ${group}`}
              </span>
            </>
          ),
        },
        { head: "Type", width: "110px", cell: ({ type }) => <code>{type}</code> },
        {
          head: "Default",
          width: "20%",
          card: "label",
          cell: (param) =>
            param.required ? <b>required</b> : <code className="wrapped">{leftOut(param)}</code>,
        },
        {
          head: "What it is",
          card: "line",
          cell: (param) => (
            <div className="wrapped">
              {param.description}
              {rulesOf(param).map((rule) => (
                <span key={rule} className="action-rule">
                  {rule}
                </span>
              ))}
            </div>
          ),
        },
      ]}
    />
  );
}

export function Outputs({ outputs }: { outputs: ListedAction["outputs"] }) {
  if (outputs.length === 0) return <p className="muted">It says nothing of what it leaves.</p>;
  return (
    <DataTable
      label="Outputs"
      rows={outputs}
      keyOf={({ name }) => name}
      columns={[
        {
          head: "Name",
          names: true,
          width: "24%",
          cell: ({ name }) => <code className="action-param-name">{name}</code>,
        },
        { head: "Type", width: "110px", cell: ({ type }) => <code>{type}</code> },
        {
          head: "What it is",
          card: "line",
          cell: ({ description }) => <div className="wrapped">{description}</div>,
        },
      ]}
    />
  );
}
