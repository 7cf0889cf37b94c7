/** How much one may have, and has. */

import { useQuery } from "@tanstack/react-query";
import { get } from "../api/client";
import type { Quotas as Found } from "../api/types";
import { Bar } from "../parts/Bar";
import { DataTable } from "../parts/DataTable";
import { Section } from "../parts/Facts";
import { Listed } from "../parts/Listed";
import { amountOf, type Quota, shareOf, titleOf } from "./words";

export function Quotas() {
  const found = useQuery({
    queryKey: ["quotas"],
    queryFn: ({ signal }) => get<Found>("/quotas", signal),
    staleTime: 10_000,
  });
  return (
    <Listed found={found} of="quotas">
      {({ user_id, quotas }) => (
        <Section title={user_id === null ? "Of the system" : `Of ${user_id}`}>
          <DataTable
            label="Quotas"
            rows={quotas}
            keyOf={({ name }) => name}
            columns={[
              { head: "Quota", names: true, cell: ({ name }) => <b>{titleOf(name)}</b> },
              { head: "Used", width: "30%", card: "line", cell: (quota) => <Used quota={quota} /> },
              {
                head: "Limit",
                number: true,
                width: "160px",
                cell: ({ name, limit }) => amountOf(name, limit),
              },
            ]}
          />
        </Section>
      )}
    </Listed>
  );
}

/** From here on it is worth a word. */
const NEARLY = 0.9;

function Used({ quota }: { quota: Quota }) {
  const share = shareOf(quota);
  const amount = amountOf(quota.name, quota.used);
  if (share === null) return amount;
  const isNear = share >= NEARLY;
  return (
    <span className="system-slots">
      <Bar
        shares={[
          { look: isNear ? "failed" : "running", share },
          { look: "skipped", share: 1 - share },
        ]}
        label={`${amount}, ${Math.floor(100 * share)} % of the limit`}
      />
      {amount}
      {isNear && <b className="failure">{share === 1 ? "full" : "nearly full"}</b>}
    </span>
  );
}
