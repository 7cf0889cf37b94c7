/** Approvals that wait for an answer; it can be given here. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { PARKED } from "../addresses";
import { get } from "../api/client";
import type { ApprovalList } from "../api/types";
import { AnswerDialog } from "../approvals/AnswerDialog";
import { askedOf, hrefOf, sayKey, type Waiting } from "../approvals/waiting";
import { useMay } from "../parts/rights";
import { Mark } from "../parts/State";
import { Time } from "../parts/Time";
import { Link } from "../router";
import { Brief } from "./Brief";

const SHOWN = 6;
const WAITS = { word: "Waits for an answer", look: "parked", icon: "pause" } as const;

export function Approvals({ now, every }: { now: number; every: number }) {
  const found = useQuery({
    queryKey: ["parked", "asked now"],
    queryFn: async ({ signal }) => {
      const list = await get<ApprovalList>(`/approvals?page_size=${SHOWN}`, signal);
      return { waiting: list.approvals.map(askedOf), total: list.pagination.total_count };
    },
    refetchInterval: every,
  });
  const [asking, ask] = useState<{ key: string; approved: boolean } | null>(null);
  const [answered, setAnswered] = useState<ReadonlySet<string>>(new Set());
  const waiting = found.data?.waiting;
  const total = found.data?.total ?? 0;
  return (
    <>
      <Brief
        title="Waits for approval"
        all={{
          href: `${PARKED}?kind=approval`,
          word: total > SHOWN ? `All ${total.toLocaleString("en-GB")} approvals` : "All approvals",
        }}
        rows={waiting}
        of={found}
        none="No step waits for a yes or a no."
      >
        {(one) => (
          <Row
            key={one.key}
            one={one}
            now={now}
            isAnswered={answered.has(sayKey(one))}
            ask={(approved) => ask({ key: one.key, approved })}
          />
        )}
      </Brief>
      {asking && (
        <AnswerDialog
          waiting={waiting?.find(({ key }) => key === asking.key) ?? null}
          approved={asking.approved}
          close={() => ask(null)}
          answered={(one) => setAnswered(new Set(answered).add(sayKey(one)))}
        />
      )}
    </>
  );
}

function Row({
  one,
  now,
  isAnswered,
  ask,
}: {
  one: Waiting;
  now: number;
  isAnswered: boolean;
  ask: (approved: boolean) => void;
}) {
  const may = useMay()("executions:control");
  const name = one.step_name || one.step_id;
  const asks = one.approval?.message;
  const href = hrefOf(one);
  return (
    <li>
      <Mark state={WAITS} />
      <span className="brief-name">
        {href ? (
          <Link className="row-link" href={href}>
            {asks || name}
          </Link>
        ) : (
          <b>{asks || name}</b>
        )}
        <span className="sub">
          {one.pipeline_name} · {name}
          {!href && " · of somebody else"}
          {one.since && (
            <>
              {" · "}
              <Time at={one.since} now={now} relative />
            </>
          )}
        </span>
      </span>
      {isAnswered ? (
        <span className="brief-when" role="status">
          Your answer was received
        </span>
      ) : (
        may && (
          <span className="brief-acts">
            <button type="button" onClick={() => ask(true)} aria-label={`Approve ${name}`}>
              Approve
            </button>
            <button
              type="button"
              className="danger"
              onClick={() => ask(false)}
              aria-label={`Reject ${name}`}
            >
              Reject
            </button>
          </span>
        )
      )}
    </li>
  );
}
