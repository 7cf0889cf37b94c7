import { countOf, hrefOf, placeOf, sayKey, type Waiting, whomOf } from "../approvals/waiting";
import { type Column, DataTable } from "../parts/DataTable";
import { useMay } from "../parts/rights";
import { Chip } from "../parts/State";
import { Dated } from "../parts/Time";
import { stateOfKind } from "./filters";

interface Props {
  waiting: Waiting[];
  now: number;
  /** What one has said of which, and no worker has applied yet. */
  answered: ReadonlyMap<string, boolean>;
  ask: (key: string, approved: boolean) => void;
}

export function Table({ waiting, now, answered, ask }: Props) {
  const may = useMay();
  const columns: Column<Waiting>[] = [
    {
      head: "Step",
      names: true,
      cell: (one) => <Name one={one} />,
    },
    { head: "Waits for", width: "150px", cell: ({ kind }) => <Chip state={stateOfKind(kind)} /> },
    { head: "What", width: "32%", card: "line", cell: (one) => <What one={one} /> },
    {
      head: "Since",
      card: "label",
      width: "116px",
      cell: ({ since }) => (since ? <Dated at={since} now={now} /> : "–"),
    },
    {
      head: "Until",
      card: "label",
      width: "116px",
      cell: ({ until }) => (until ? <Dated at={until} now={now} /> : "no end"),
    },
    {
      head: "Answer",
      width: "182px",
      card: "line",
      cell: (one) =>
        one.approval && (
          <Answers
            one={one}
            said={answered.get(sayKey(one))}
            may={may("executions:control")}
            ask={ask}
          />
        ),
    },
  ];
  return (
    <DataTable
      label="Parked steps"
      columns={columns}
      rows={waiting}
      keyOf={({ key }) => key}
      hrefOf={hrefOf}
    />
  );
}

function Name({ one }: { one: Waiting }) {
  const { step_name, step_id, pipeline_name, attempt, isReadable } = one;
  return (
    <>
      {step_name || step_id}
      <span className="sub parked-step">
        {pipeline_name} · {placeOf(one)}
        {attempt !== null && attempt > 1 && ` · attempt ${attempt}`}
        {!isReadable && " · of somebody else"}
      </span>
    </>
  );
}

/** Of an approval what is asked, and of whom; of others by which ids the world finds it. */
function What({ one }: { one: Waiting }) {
  const { approval, external_workflow_ids } = one;
  return (
    <div className="parked-what">
      {approval?.message && <p className="parked-message">{approval.message}</p>}
      {external_workflow_ids.length > 0 && (
        <ul className="parked-ids" aria-label="External ids">
          {external_workflow_ids.map((id) => (
            <li key={id} className="id">
              {id}
            </li>
          ))}
        </ul>
      )}
      {approval && <Asked approval={approval} />}
    </div>
  );
}

function Asked({ approval }: { approval: NonNullable<Waiting["approval"]> }) {
  const { yes, required } = countOf(approval);
  const whom = whomOf(approval);
  return (
    <p className="parked-asked">
      {whom && `asks ${whom}`}
      {whom && required > 1 && " · "}
      {required > 1 && (
        <>
          <b>
            {yes} of {required}
          </b>{" "}
          have said yes
        </>
      )}
    </p>
  );
}

interface AnswersProps extends Pick<Props, "ask"> {
  one: Waiting;
  said: boolean | undefined;
  may: boolean;
}

function Answers({ one, said, may, ask }: AnswersProps) {
  if (said !== undefined) {
    return (
      <span className="muted" role="status">
        You have said {said ? "yes" : "no"}; a worker is told.
      </span>
    );
  }
  if (!may) return <span className="muted">You may not answer it.</span>;
  const name = one.step_name || one.step_id;
  return (
    <span className="parked-answers">
      <button type="button" onClick={() => ask(one.key, true)} aria-label={`Approve ${name}`}>
        Approve
      </button>
      <button
        type="button"
        className="danger"
        onClick={() => ask(one.key, false)}
        aria-label={`Reject ${name}`}
      >
        Reject
      </button>
    </span>
  );
}
