/** What the doctor finds. A look costs two seconds of all workers, so it is had when it is asked for. */

import { useQuery } from "@tanstack/react-query";
import { get } from "../api/client";
import type { InstallationReport } from "../api/types";
import { Section } from "../parts/Facts";
import { Listed } from "../parts/Listed";
import { Mark } from "../parts/State";
import { byUrgency, type Check, titleOf } from "./words";

const WELL = { word: "Well", look: "done", icon: "check" } as const;
const LOOK = { word: "Worth a look", look: "retrying", icon: "clock" } as const;
const TROUBLE = { word: "Not well", look: "failed", icon: "cross" } as const;

export function Doctor() {
  const found = useQuery({
    queryKey: ["doctor"],
    queryFn: ({ signal }) => get<InstallationReport>("/doctor", signal),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  return (
    <Section
      title="Doctor"
      tools={
        <button type="button" disabled={found.isFetching} onClick={() => void found.refetch()}>
          {found.isFetching ? "Refreshing…" : "Refresh"}
        </button>
      }
    >
      <Listed found={found} of="what the doctor finds, which takes two seconds">
        {({ is_well, checks }) => (
          <>
            <p role="status" className="doctor-says">
              {is_well
                ? `All ${checks.length} checks are well.`
                : `${checks.filter((check) => !check.is_well).length} of ${checks.length} checks are not well.`}
            </p>
            <ul className="checks">
              {byUrgency(checks).map((check) => (
                <Found key={check.name} check={check} />
              ))}
            </ul>
          </>
        )}
      </Listed>
    </Section>
  );
}

function Found({ check: { name, is_well, says, what_to_do } }: { check: Check }) {
  return (
    <li>
      <Mark state={is_well ? (what_to_do ? LOOK : WELL) : TROUBLE} />
      <b title={name}>{titleOf(name)}</b>
      <span className="check-says">
        {says}
        {what_to_do && <Advice text={what_to_do} />}
      </span>
    </li>
  );
}

/** Commands stand between backticks. */
function Advice({ text }: { text: string }) {
  return (
    <span className="what-to-do">
      {text
        .split("`")
        .map((part, index) =>
          index % 2 ? <code key={`${part} ${String(index)}`}>{part}</code> : part,
        )}
    </span>
  );
}
