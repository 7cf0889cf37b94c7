/** What one can do with a subscription: pause it, test it, give it a secret, send again, delete it. */

import { useState } from "react";
import { change, post } from "../api/client";
import type { MadeSubscription, Message, Subscription } from "../api/types";
import { useAct } from "../parts/act";
import { Confirm } from "../parts/Confirm";
import { Answers, Dialog } from "../parts/Dialog";
import { TextField } from "../parts/Field";
import { FormFailure } from "../parts/FormFailure";
import { instantOf, localOf } from "../parts/instants";
import { numberOf } from "../parts/lines";
import { faultAt } from "../parts/problems";
import { useMay } from "../parts/rights";
import { SecretOnce } from "../parts/SecretOnce";
import { go, withQuery } from "../router";
import { ZONE } from "../time";

const CHANGES = [["subscriptions"], ["subscription"]];
const SCOPES = ["subscriptions:write", "executions:read"];
const HOUR = 3_600_000;

export const nameOf = ({ name }: Pick<Subscription, "name">): string => name ?? "(without a name)";

export function PauseOrResume({ subscription }: { subscription: Subscription }) {
  const may = useMay();
  const { id, status } = subscription;
  const goesOn = status === "paused" || status === "failed";
  const turn = useAct({
    act: () => post(`/subscriptions/${id}/${goesOn ? "resume" : "pause"}`, undefined),
    changes: CHANGES,
    said: () => `${nameOf(subscription)} ${goesOn ? "goes on" : "is paused"}.`,
    aloud: true,
  });
  if (!may(...SCOPES) || !(goesOn || status === "active")) return null;
  const word = goesOn ? "Resume" : "Pause";
  return (
    <button
      type="button"
      disabled={turn.isPending}
      aria-label={`${word} ${nameOf(subscription)}`}
      onClick={() => turn.once(undefined)}
    >
      {word}
    </button>
  );
}

/** The message of the test opens at once: it says what comes of it. */
export function Test({ subscription }: { subscription: Subscription }) {
  const test = useAct({
    act: () => post<Message>(`/subscriptions/${subscription.id}/test`, undefined),
    changes: CHANGES,
    after: ({ id }) => go(withQuery({ message: id })),
    aloud: true,
  });
  return (
    <button type="button" disabled={test.isPending} onClick={() => test.once(undefined)}>
      Test
    </button>
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
      {made && <Made subscription={made} close={() => setMade(null)} />}
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
      post<MadeSubscription>(`/subscriptions/${subscription.id}/rotate-secret`, {
        overlap_seconds: numberOf(overlap) ?? 0,
      }),
    changes: CHANGES,
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
      <Answers>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="submit" className="main" disabled={rotate.isPending}>
          Rotate secret
        </button>
      </Answers>
    </Dialog>
  );
}

/** What is told once; only messages to a URL are signed. */
export function Made({
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
  const [since, setSince] = useState(() => localOf(new Date(Date.now() - HOUR).toISOString()));
  const replay = useAct({
    act: () =>
      post<{ position: string | null }>(`/subscriptions/${subscription.id}/replay`, {
        since: instantOf(since),
      }),
    changes: CHANGES,
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
      <Answers>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="submit" className="main" disabled={replay.isPending || since === ""}>
          Send again
        </button>
      </Answers>
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
  const [open, setOpen] = useState(false);
  const remove = useAct({
    act: () => change("DELETE", `/subscriptions/${subscription.id}`),
    changes: [["subscriptions"]],
    said: () => `${nameOf(subscription)} was deleted.`,
    after: deleted,
  });
  return (
    <>
      <button type="button" className="danger" onClick={() => setOpen(true)}>
        Delete
      </button>
      {open && (
        <Confirm
          title={`Delete “${nameOf(subscription)}”?`}
          word="Delete subscription"
          running={remove.isPending}
          error={remove.error}
          act={() => remove.once(undefined)}
          close={() => setOpen(false)}
        >
          <p>Its messages go with it, also those that wait: nothing is sent any more.</p>
        </Confirm>
      )}
    </>
  );
}
