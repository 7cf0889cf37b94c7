/** One subscription: where to, how it stands, and its messages with their tries. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { SUBSCRIPTIONS } from "../addresses";
import { read } from "../api/client";
import type { Subscription as AnySubscription } from "../api/types";
import { CopyButton } from "../parts/CopyButton";
import { Facts } from "../parts/Facts";
import { Failure } from "../parts/Notice";
import { useNow } from "../parts/now";
import { useMay } from "../parts/rights";
import { Skeleton } from "../parts/Skeleton";
import { ThingHead } from "../parts/Thing";
import { Dated, Time } from "../parts/Time";
import { go } from "../router";
import { Delete, nameOf, PauseOrResume, Replay, Rotate, Test } from "./Acts";
import { Messages } from "./Messages";
import { SubscriptionForm } from "./SubscriptionForm";
import { Of } from "./Subscriptions";
import { addressOf, BECAUSE, FORMATS, stateOfSubscription, TARGETS } from "./states";
import "./subscriptions.css";

const LIVE = 3_000;

export default function Subscription({ id }: { id: string }) {
  const found = useQuery({
    queryKey: ["subscription", id],
    queryFn: ({ signal }) =>
      read<AnySubscription>(`/subscriptions/${encodeURIComponent(id)}`, signal),
    refetchInterval: LIVE,
  });
  const now = useNow(true);
  if (found.error && !found.data) {
    return <Failure error={found.error} retry={() => void found.refetch()} />;
  }
  if (!found.data) return <Skeleton of="the subscription" />;
  const { value: subscription, etag } = found.data;
  return (
    <div className="list-page">
      <ThingHead
        list="Subscriptions"
        href={SUBSCRIPTIONS}
        id={subscription.id}
        name={nameOf(subscription)}
        state={stateOfSubscription(subscription.status)}
      >
        <Write subscription={subscription} etag={etag} />
      </ThingHead>
      <About subscription={subscription} now={now} />
      <Messages subscription={subscription} now={now} />
    </div>
  );
}

function Write({ subscription, etag }: { subscription: AnySubscription; etag: string | null }) {
  const may = useMay();
  const [editing, setEditing] = useState<{
    subscription: AnySubscription;
    etag: string | null;
  } | null>(null);
  if (!may("subscriptions:write", "executions:read")) return null;
  return (
    <>
      <Test subscription={subscription} />
      <Replay subscription={subscription} />
      <PauseOrResume subscription={subscription} />
      {subscription.target.type === "http" && <Rotate subscription={subscription} />}
      <button type="button" onClick={() => setEditing({ subscription, etag })}>
        Change
      </button>
      <Delete subscription={subscription} deleted={() => go(SUBSCRIPTIONS)} />
      {editing && (
        <SubscriptionForm before={editing} close={() => setEditing(null)} saved={() => undefined} />
      )}
    </>
  );
}

const wordOf = (words: readonly (readonly [string, string])[], one: string): string =>
  words.find(([word]) => word === one)?.[1] ?? one;

function About({ subscription, now }: { subscription: AnySubscription; now: number }) {
  const { target, reason, last_error } = subscription;
  const at = (value: string | null) => value && <Dated at={value} now={now} />;
  return (
    <div className="panel">
      {reason && (
        <p className="failure" role="status">
          <code>{reason}</code> {BECAUSE[reason]}
        </p>
      )}
      <div className="subscription-target">
        <span className="muted">to {wordOf(TARGETS, target.type)}</span>
        <code>{addressOf(subscription)}</code>
        <CopyButton text={addressOf(subscription)}>Copy</CopyButton>
      </div>
      <Facts
        facts={[
          ["Tells of", <Of key="of" subscription={subscription} />],
          ["Written as", wordOf(FORMATS, subscription.format)],
          ["Waiting", `${subscription.waiting}`],
          ["Given up", `${subscription.dead}`],
          ["Last sent", at(subscription.last_sent_at)],
          ["Last failed", at(subscription.last_failed_at)],
          ["Failed in a row", subscription.failures > 0 && `${subscription.failures} tries`],
          ["Next try", at(subscription.next_try_at)],
          ["Until", at(subscription.expires_at)],
          [
            "Old secret signs until",
            subscription.old_secret_until && <Time at={subscription.old_secret_until} now={now} />,
          ],
          ["Keeps about", target.max_length && `${target.max_length} entries`],
          ["Owner", subscription.owner ?? "the system"],
          ["Made by", subscription.created_by],
        ]}
      />
      {last_error && (
        <p>
          <span className="muted">Last error: </span>
          <span className="failure">{last_error}</span>
        </p>
      )}
    </div>
  );
}
