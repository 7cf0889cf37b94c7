/** Workers, queues, beat and servers, as they were a moment ago. */

import type { System } from "../api/types";
import { unservedQueues } from "../lights/lights";
import { useSystem } from "../lights/useLights";
import { webAddress } from "../parts/address";
import { Bar } from "../parts/Bar";
import { DataTable } from "../parts/DataTable";
import { Facts, Section } from "../parts/Facts";
import { Listed } from "../parts/Listed";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { duration } from "../time";

export function Parts() {
  const found = useSystem();
  return (
    <Listed found={found} of="the parts">
      {(system) => (
        <div className="system-parts">
          <Installation system={system} again={() => void found.refetch()} />
          <Workers system={system} />
          <Queues system={system} />
          <Peers system={system} />
        </div>
      )}
    </Listed>
  );
}

const spoken = (seconds: number | null) =>
  seconds === null ? null : duration(Number(seconds) * 1_000);

function Installation({ system, again }: { system: System; again: () => void }) {
  const now = useNow(true);
  const { beat, servers, away, flower_url } = system;
  const flower = webAddress(flower_url);
  const left = spoken(beat.lock_left_seconds);
  const swept = spoken(beat.sweep_silent_seconds);
  return (
    <Section
      title="Installation"
      tools={
        <>
          <span className="muted">
            as of <Time at={system.taken_at} now={now} relative />
          </span>
          {flower && (
            <a className="button" href={flower} rel="noreferrer">
              Open Flower
            </a>
          )}
          <button type="button" onClick={again}>
            Refresh
          </button>
        </>
      }
    >
      {away.length > 0 && (
        <p className="system-away" role="alert">
          <b>No answer in time:</b> {away.join(", ")}. What they would have told is missing below;{" "}
          <code>pipeline-engine doctor</code> says what to do.
        </p>
      )}
      <div className="panel">
        <Facts
          facts={[
            ["Version", system.version],
            ["Web began", <Time key="began" at={system.started_at} now={now} relative />],
            ["PostgreSQL", servers.postgresql.answers ? servers.postgresql.version : "no answer"],
            ["Redis or Valkey", servers.redis.answers ? servers.redis.version : "no answer"],
            ["Beat", left ? `holds its lock for ${left}` : "nobody holds the lock"],
            ["Last sweep", swept ? `${swept} ago` : "not known"],
            [
              "Flower",
              flower ? null : (
                <>
                  not set: <code>FLOWER_URL</code>
                </>
              ),
            ],
          ]}
        />
      </div>
    </Section>
  );
}

function Workers({ system }: { system: System }) {
  const now = useNow(true);
  return (
    <Section title="Workers">
      {system.workers.length === 0 ? (
        <p className="panel">
          <span>
            No worker has said that it lives within 20 s. <code>pipeline-engine up</code> runs some
            here; elsewhere, look at their logs.
          </span>
        </p>
      ) : (
        <DataTable
          label="Workers"
          rows={system.workers}
          keyOf={({ name }) => name}
          columns={[
            { head: "Worker", names: true, cell: ({ name }) => <b>{name}</b> },
            {
              head: "Queues",
              width: "22%",
              card: "label",
              cell: ({ queues }) => queues.join(", "),
            },
            {
              head: "Busy",
              width: "220px",
              card: "line",
              cell: ({ slots, busy }) => <Slots slots={slots} busy={busy} />,
            },
            {
              head: "Seen",
              width: "120px",
              card: "label",
              cell: ({ last_seen }) => <Time at={last_seen} now={now} relative />,
            },
          ]}
        />
      )}
    </Section>
  );
}

function Slots({ slots, busy }: { slots: number | null; busy: number }) {
  if (slots === null) return <>{busy} (its slots are not known)</>;
  return (
    <span className="system-slots">
      <Bar
        shares={[
          { look: "running", share: Math.min(busy, slots) },
          { look: "skipped", share: Math.max(0, slots - busy) },
        ]}
        label={`${busy} of ${slots} slots busy`}
      />
      {busy} of {slots}
    </span>
  );
}

function Queues({ system }: { system: System }) {
  const unserved = new Set(unservedQueues(system));
  return (
    <Section title="Queues">
      <DataTable
        label="Queues"
        rows={system.queues}
        keyOf={({ name }) => name}
        columns={[
          { head: "Queue", names: true, cell: ({ name }) => <b>{name}</b> },
          {
            head: "Served",
            width: "30%",
            card: "line",
            cell: ({ name }) =>
              unserved.has(name) ? (
                <span className="failure">by no worker</span>
              ) : (
                system.workers
                  .filter(({ queues }) => queues.includes(name))
                  .map((worker) => worker.name)
                  .join(", ")
              ),
          },
          {
            head: "Waiting",
            number: true,
            width: "120px",
            cell: ({ waiting }) => waiting?.toLocaleString("en-GB") ?? "–",
          },
          {
            head: "Oldest",
            number: true,
            width: "140px",
            cell: ({ oldest_seconds }) => spoken(oldest_seconds) ?? "–",
          },
        ]}
      />
    </Section>
  );
}

/** Whom actions could not reach lately, and whether they are asked at all. */
function Peers({ system: { breakers } }: { system: System }) {
  const now = useNow(true);
  return (
    <Section title="Peers that failed">
      {breakers === null ? (
        <p className="panel muted">What is known of them is in Redis, which does not answer.</p>
      ) : breakers.length === 0 ? (
        <p className="panel muted">Each that was asked in the last week has answered.</p>
      ) : (
        <DataTable
          label="Peers that failed"
          rows={breakers}
          keyOf={({ peer }) => peer}
          columns={[
            { head: "Peer", names: true, cell: ({ peer }) => <b>{peer}</b> },
            {
              head: "Asked",
              width: "30%",
              card: "line",
              cell: ({ is_open, tried_again_at }) =>
                is_open ? (
                  <span className="failure">
                    not again before{" "}
                    {tried_again_at ? <Time at={tried_again_at} now={now} /> : "a while"}
                  </span>
                ) : (
                  "yes"
                ),
            },
            {
              head: "Failures in a row",
              number: true,
              width: "160px",
              cell: ({ failures }) => Number(failures).toLocaleString("en-GB"),
            },
            {
              head: "Last",
              width: "140px",
              card: "label",
              cell: ({ failed_at }) =>
                failed_at ? <Time at={failed_at} now={now} relative /> : "–",
            },
          ]}
        />
      )}
    </Section>
  );
}
