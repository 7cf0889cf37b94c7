/** Step 8: clusters that have room for all models together, with their figures. */

import { withValue } from "../../forms/param";
import { Bar } from "../../parts/Bar";
import { Cards } from "../Cards";
import { gigabytes, shareOf } from "../figures";
import { type Cluster, clustersOf, fieldOf } from "../workflow";
import type { FormProps } from "./form";

export function Clusters({ workflow, values, change, problems }: FormProps) {
  const clusters = clustersOf(workflow);
  if (clusters.length === 0) return <None looked={fieldOf(workflow, "recommended_clusters")} />;
  return (
    <Cards
      name="cluster_id"
      label="Cluster"
      cards={clusters.map((cluster) => ({
        value: cluster.cluster_id,
        word: cluster.cluster_name ?? cluster.cluster_id,
        about: <Figures cluster={cluster} />,
      }))}
      chosen={values.cluster_id}
      choose={(cluster) => change(withValue(values, "cluster_id", cluster))}
      problems={problems}
    />
  );
}

function None({ looked }: { looked: unknown }) {
  return (
    <p className="guardrail-note">
      {looked === undefined
        ? "Clusters are looked for once the deployment specs were said."
        : "No cluster has room for all models together. Ask for less in the deployment specs, or look again when there is more room."}
    </p>
  );
}

function Figures({ cluster }: { cluster: Cluster }) {
  const needed = gigabytes(cluster.required_memory_gb);
  const free = gigabytes(cluster.available_memory_gb);
  const share = shareOf(cluster);
  const cost = cluster.cost_per_million_tokens;
  return (
    <>
      <Bar
        shares={[
          { look: "running", share },
          { look: "skipped", share: 100 - share },
        ]}
        label={`${needed} of ${free} are needed`}
      />
      <span>
        <b>{needed}</b> of <b>{free}</b> needed, <b>{gigabytes(cluster.headroom_gb)}</b> left
        {cost != null && (
          <>
            {" "}
            · <b>{String(cost)}</b> per million tokens
          </>
        )}
      </span>
      {cluster.cluster_name !== cluster.cluster_id && (
        <span className="id">{cluster.cluster_id}</span>
      )}
    </>
  );
}
