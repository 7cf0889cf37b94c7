import { useState } from "react";
import { Problem, post } from "../api/client";
import { useAct } from "../parts/act";
import { Confirm } from "../parts/Confirm";
import { TextField } from "../parts/Field";

interface Props {
  ids: string[];
  /** Those that are on this page and open. */
  open: string[];
  choose: (ids: string[]) => void;
}

/** What can be done with those that are chosen. */
export function Selection({ ids, open, choose }: Props) {
  const [asks, setAsks] = useState(false);
  if (ids.length === 0) return null;
  return (
    <div className="several" role="status">
      <b>{ids.length} chosen</b>
      {ids.length < open.length && (
        <button type="button" onClick={() => choose(open)}>
          All {open.length} open ones of this page
        </button>
      )}
      <button type="button" onClick={() => choose([])}>
        None
      </button>
      <button type="button" className="danger" onClick={() => setAsks(true)}>
        Cancel {ids.length}
      </button>
      {asks && <Ask ids={ids} close={() => setAsks(false)} done={() => choose([])} />}
    </div>
  );
}

function Ask({ ids, close, done }: { ids: string[]; close: () => void; done: () => void }) {
  const [reason, setReason] = useState("");
  const cancel = useAct({
    act: () => cancelled(ids, reason || null),
    changes: [["executions"]],
    said: inWords,
    after: () => {
      done();
      close();
    },
  });
  return (
    <Confirm
      title={`Cancel ${ids.length === 1 ? "this execution" : `these ${ids.length} executions`}?`}
      word={`Cancel ${ids.length}`}
      running={cancel.isPending}
      error={cancel.error}
      act={() => cancel.once(undefined)}
      close={close}
    >
      <p>
        Steps that run or are parked are stopped, and what they have started; handlers and
        compensations run. It cannot be taken back.
      </p>
      <TextField label="Reason (optional)" value={reason} change={setReason} />
    </Confirm>
  );
}

interface Fate {
  cancelled: number;
  over: number;
}

/** One after the other: what forbids one most likely forbids all, and nothing more is asked then. */
async function cancelled(ids: string[], reason: string | null): Promise<Fate> {
  const fate: Fate = { cancelled: 0, over: 0 };
  for (const id of ids) {
    try {
      await post(`/executions/${id}/cancel`, { reason, force: false });
      fate.cancelled += 1;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // It has ended meanwhile, or is cancelled by somebody else.
      if (error.status === 409 || error.status === 404) fate.over += 1;
      else throw error;
    }
  }
  return fate;
}

const inWords = ({ cancelled, over }: Fate): string =>
  `${cancelled} ${cancelled === 1 ? "is" : "are"} being cancelled${over ? `; ${over} had ended already` : ""}.`;
