/** What one can do with a subscription: pause it, test it, give it a secret, send again, delete it. */

import { useState } from "react";
import { post } from "../api/client";
import { serverNow } from "../api/clock";
import type { MadeSubscription, Message, Subscription } from "../api/types";
import { ActButton } from "../parts/ActButton";
import { useAct } from "../parts/act";
import { DeleteButton } from "../parts/DeleteButton";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { TextField } from "../parts/Field";
import { FormFailure } from "../parts/FormFailure";
import { instantOf, localOf } from "../parts/instants";
import { numberOf } from "../parts/lines";
import { faultAt } from "../parts/problems";
import { changesOf, listsOf } from "../parts/queries";
import { useMay } from "../parts/rights";
import { SecretOnce } from "../parts/SecretOnce";
import { go, withQuery } from "../router";
import { ZONE } from "../time";

const SCOPES = ["subscriptions:write", "executions:read"];
const HOUR = 3_600_000;

export const nameOf = ({ name }: Pick<Subscription, "name">): string => name ?? "(without a name)";

export const pathOf = (id: string): string => `/subscriptions/${encodeURIComponent(id)}`;

export function PauseOrResume({ subscription }: { subscription: Subscription }) {
  const may = useMay();
  const { id, status } = subscription;
  const isStopped = status === "paused" || status === "failed";
  if (!may(...SCOPES) || !(isStopped || status === "active")) return null;
  const word = isStopped ? "Resume" : "Pause";
  const name = nameOf(subscription);
  return (
    <ActButton
      word={word}
      label={`${word} ${name}`}
      act={() => post(`${pathOf(id)}/${word.toLowerCase()}`, undefined)}
      changes={changesOf("subscription")}
      said={() => `${name} ${isStopped ? "goes on" : "is paused"}.`}
    />
  );
}

/** The message of the test opens at once: it says what comes of it. */
export function Test({ subscription }: { subscription: Subscription }) {
  return (
    <ActButton
      word="Test"
      act={() => post<Message>(`${pathOf(subscription.id)}/test`, undefined)}
      changes={changesOf("subscription")}
      after={({ id }) => go(withQuery({ message: id }))}
    />
  );
}

export function Rotate({ subscription }: { subscription: Subscription }) {
  const [open, setOpen] = useState(false);
  const [made, setMade] = useState<MadeSubscription | null>(null);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Rotate secret
      </button>
      {open && (
        <RotateDialog subscription={subscription} close={() => setOpen(false)} made={setMade} />
      )}
      {made && <NewSecret subscription={made} close={() => setMade(null)} />}
    </>
  );
}

function RotateDialog({
  subscription,
  close,
  made,
}: {
  subscription: Subscription;
  close: () => void;
  made: (subscription: MadeSubscription) => void;
}) {
  const [overlap, setOverlap] = useState("86400");
  const rotate = useAct({
    act: () =>
      post<MadeSubscription>(`${pathOf(subscription.id)}/rotate-secret`, {
        overlap_seconds: numberOf(overlap) ?? 0,
      }),
    changes: changesOf("subscription"),
    after: (answer) => {
      close();
      made(answer);
    },
  });
  return (
    <Dialog
      title={`A new secret for “${nameOf(subscription)}”`}
      close={close}
      submit={() => rotate.once(undefined)}
    >
      <TextField
        label="The one before signs, too, for (s)"
        hint="So long there is time to tell the receiver."
        value={overlap}
        change={setOverlap}
        problem={faultAt(rotate.error, "/overlap_seconds")}
      />
      <FormFailure error={rotate.error} shown={["/overlap_seconds"]} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="submit" className="main" disabled={rotate.isPending}>
          Rotate secret
        </button>
      </DialogButtons>
    </Dialog>
  );
}

/** What is told once; only messages to a URL are signed. */
export function NewSecret({
  subscription,
  close,
}: {
  subscription: MadeSubscription;
  close: () => void;
}) {
  const { secret } = subscription;
  if (!secret) return null;
  return (
    <SecretOnce
      title={`What the receiver of “${nameOf(subscription)}” needs`}
      secrets={[{ word: "Secret that signs the messages", text: secret }]}
      close={close}
    />
  );
}

export function Replay({ subscription }: { subscription: Subscription }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Send again since …
      </button>
      {open && <ReplayDialog subscription={subscription} close={() => setOpen(false)} />}
    </>
  );
}

function ReplayDialog({ subscription, close }: { subscription: Subscription; close: () => void }) {
  const [since, setSince] = useState(() => localOf(new Date(serverNow() - HOUR).toISOString()));
  const replay = useAct({
    act: () =>
      post<{ position: string | null }>(`${pathOf(subscription.id)}/replay`, {
        since: instantOf(since),
      }),
    changes: changesOf("subscription"),
    said: ({ position }) =>
      position === null
        ? "Nothing has happened since then."
        : "Everything since then is sent again.",
    after: close,
  });
  return (
    <Dialog
      title={`Send again what “${nameOf(subscription)}” was told?`}
      close={close}
      submit={() => since !== "" && replay.once(undefined)}
    >
      <TextField
        label={`All since (${ZONE})`}
        type="datetime-local"
        value={since}
        change={setSince}
        problem={faultAt(replay.error, "/since")}
      />
      <p>
        In order, and under the ids that the messages had: a receiver that knows them does nothing.
      </p>
      <FormFailure error={replay.error} shown={["/since"]} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="submit" className="main" disabled={replay.isPending || since === ""}>
          Send again
        </button>
      </DialogButtons>
    </Dialog>
  );
}

export function Delete({
  subscription,
  deleted,
}: {
  subscription: Subscription;
  deleted: () => void;
}) {
  return (
    <DeleteButton
      noun="subscription"
      name={nameOf(subscription)}
      path={pathOf(subscription.id)}
      changes={[listsOf("subscription")]}
      deleted={deleted}
    >
      Its messages go with it, also those that wait: nothing is sent any more.
    </DeleteButton>
  );
}
