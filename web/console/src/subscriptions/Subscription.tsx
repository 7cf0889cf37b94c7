/** One subscription: where to, how it stands, and its messages with their tries. */

import { SUBSCRIPTIONS } from "../addresses";
import { type Answered, read } from "../api/client";
import type { Subscription as AnySubscription } from "../api/types";
import { CopyButton } from "../parts/CopyButton";
import { DetailHead } from "../parts/DetailHead";
import { EditButton } from "../parts/EditButton";
import { Facts } from "../parts/Facts";
import { Loaded } from "../parts/Listed";
import { useMay } from "../parts/rights";
import { Dated, Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { go } from "../router";
import { Delete, nameOf, PauseOrResume, pathOf, Replay, Rotate, Test } from "./Acts";
import { Messages } from "./Messages";
import { SubscriptionForm } from "./SubscriptionForm";
import { Of } from "./Subscriptions";
import { addressOf, BECAUSE, FORMATS, stateOfSubscription, TARGETS } from "./states";
import "./subscriptions.css";

const LIVE = 3_000;

export default function Subscription({ id }: { id: string }) {
  const found = usePolled(
    ["subscription", id],
    (signal) => read<AnySubscription>(pathOf(id), signal),
    LIVE,
  );
  return (
    <Loaded found={found} of="the subscription">
      {(known) => <Page known={known} />}
    </Loaded>
  );
}

function Page({ known }: { known: Answered<AnySubscription> }) {
  const now = useNow(true);
  const subscription = known.value;
  return (
    <div className="list-page">
      <DetailHead
        list="Subscriptions"
        href={SUBSCRIPTIONS}
        id={subscription.id}
        name={nameOf(subscription)}
        state={stateOfSubscription(subscription.status)}
      >
        <Write known={known} />
      </DetailHead>
      <About subscription={subscription} now={now} />
      <Messages subscription={subscription} now={now} />
    </div>
  );
}

function Write({ known }: { known: Answered<AnySubscription> }) {
  const may = useMay();
  if (!may("subscriptions:write", "executions:read")) return null;
  const subscription = known.value;
  return (
    <>
      <Test subscription={subscription} />
      <Replay subscription={subscription} />
      <PauseOrResume subscription={subscription} />
      {subscription.target.type === "http" && <Rotate subscription={subscription} />}
      <EditButton of={known}>
        {(before, close) => <SubscriptionForm before={before} close={close} />}
      </EditButton>
      <Delete subscription={subscription} deleted={() => go(SUBSCRIPTIONS)} />
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
          ["Events", <Of key="of" subscription={subscription} />],
          ["Format", wordOf(FORMATS, subscription.format)],
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
          ["Created by", subscription.created_by],
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
