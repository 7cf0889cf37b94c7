/** Guardrail workflows, the newest first: how each stands, and where it is. */

import { GUARDRAILS } from "../addresses";
import { get } from "../api/client";
import type { GuardrailWorkflowList } from "../api/types";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Notice } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { Pager } from "../parts/Pager";
import { useMay } from "../parts/rights";
import { Tabs } from "../parts/Tabs";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { Link, useQueryString } from "../router";
import { type Filters, filtersOf, requestOf, TABS } from "./listing";
import { Table } from "./Table";
import "./guardrails.css";

/** Milliseconds between two looks. */
const LIVE = 4_000;

export default function Guardrails() {
  const filters = filtersOf(useQueryString());
  const found = usePolled(
    ["guardrail workflows", filters],
    (signal) => get<GuardrailWorkflowList>(requestOf(filters), signal),
    LIVE,
  );
  const now = useNow(true);
  const may = useMay();
  return (
    <div className="list-page">
      <PageHead
        title="Guardrails"
        count={found.data?.pagination.total_count}
        awaySince={found.data && found.error ? found.dataUpdatedAt : null}
      >
        {may("guardrails:write", "executions:run") && (
          <Link className="button main" href={`${GUARDRAILS}/new`}>
            New guardrail
          </Link>
        )}
      </PageHead>
      <div className="choices">
        <Tabs label="Status" name="status" tabs={TABS} chosen={filters.status} />
      </div>
      <Listed found={found} of="guardrail workflows">
        {({ workflows, pagination }) =>
          workflows.length === 0 ? (
            <None filters={filters} />
          ) : (
            <>
              <Table workflows={workflows} now={now} />
              <Pager
                page={pagination.page}
                pageSize={pagination.page_size}
                total={pagination.total_count}
              />
            </>
          )
        }
      </Listed>
    </div>
  );
}

function None({ filters }: { filters: Filters }) {
  if (filters.status || filters.page > 1) {
    return <NothingLikeThat of="guardrail workflow" choices={["status", "page"]} />;
  }
  return (
    <Notice title="No guardrails yet">
      <p>
        A guardrail looks at what goes into a model and at what comes out of it. Twelve steps lead
        to one, here or over the API:
      </p>
      <pre>
        {
          'POST /api/v1/guardrails/deploy-workflow\n{"workflow_total_steps": 12, "step_number": 1,\n "provider_type": "bud_sentinel"}'
        }
      </pre>
    </Notice>
  );
}
