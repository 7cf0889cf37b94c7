/** A stored action: what its author wrote, now and before. */

import { useQuery } from "@tanstack/react-query";
import { get } from "../api/client";
import { print } from "../api/json";
import type { ActionVersions } from "../api/types";
import { CopyButton } from "../parts/CopyButton";
import { Section } from "../parts/Facts";
import { Listed } from "../parts/Listed";
import { Preformatted } from "../parts/Preformatted";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";

export function Versions({ type, definition }: { type: string; definition: unknown }) {
  const found = useQuery({
    queryKey: ["actions", type, "versions"],
    queryFn: ({ signal }) =>
      get<ActionVersions>(`/actions/${encodeURIComponent(type)}/versions`, signal),
  });
  const now = useNow(false);
  return (
    <Section
      title="Definition and versions"
      tools={<CopyButton text={print(definition)}>Copy the definition</CopyButton>}
    >
      <Listed found={found} of="versions">
        {({ versions }) =>
          versions.map(({ version, definition: its, createdAt, createdBy }, index) => (
            <details key={version} className="panel action-version" open={index === 0}>
              <summary>
                <b>{version}</b>{" "}
                <span className="muted">
                  saved <Time at={createdAt} now={now} relative /> by {createdBy}
                </span>
              </summary>
              <Preformatted>{print(its)}</Preformatted>
            </details>
          ))
        }
      </Listed>
    </Section>
  );
}
