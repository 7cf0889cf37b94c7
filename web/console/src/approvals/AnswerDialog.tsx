/** A yes or a no with a comment. Said once, however often one presses; what is unknown is asked, not repeated. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get, Problem, post } from "../api/client";
import { useAct } from "../parts/act";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { AreaField, TextField } from "../parts/Field";
import { FormFailure } from "../parts/FormFailure";
import { decided } from "./decided";
import { countOf, placeOf, type Waiting, whomOf } from "./waiting";
import "./approvals.css";

/** Longer ones the API refuses. */
const LONGEST_COMMENT = 1000;

interface Props {
  /** Null once it is not in the list any more. */
  waiting: Waiting | null;
  approved: boolean;
  close: () => void;
  answered: (waiting: Waiting) => void;
}

export function AnswerDialog({ waiting, approved, close, answered }: Props) {
  // What one is asked stays in view, whatever becomes of the list behind.
  const [seen, setSeen] = useState(waiting);
  if (waiting && waiting !== seen) setSeen(waiting);
  if (!seen) return null;
  return (
    <Ask
      step={seen}
      waits={waiting !== null}
      {...{ approved, close }}
      answered={() => answered(seen)}
    />
  );
}

interface AskProps {
  step: Waiting;
  waits: boolean;
  approved: boolean;
  close: () => void;
  answered: () => void;
}

function Ask({ step, waits, approved, close, answered }: AskProps) {
  const [comment, setComment] = useState("");
  const [by, setBy] = useState("");
  const isService = useIsService();
  const answer = useAct({
    act: () => {
      const { execution_id, step_id, item_index, within } = step;
      const said = { approved, reason: comment || null, by: by || null };
      return post(`/executions/${execution_id}/approval`, { ...said, step_id, item_index, within });
    },
    changes: [["parked"]],
    said: () => (approved ? "Your yes was received." : "Your no was received."),
    after: () => {
      answered();
      close();
    },
  });
  const fate = useFate(step, answer.error, waits);
  const over = fate !== null && !waits;
  const name = step.step_name || step.step_id;
  return (
    <Dialog
      title={approved ? `Approve “${name}”?` : `Reject “${name}”?`}
      close={close}
      submit={() => !over && comment.length <= LONGEST_COMMENT && answer.once(undefined)}
    >
      <Question step={step} approved={approved} />
      {isService && (
        <TextField
          label="In whose name"
          hint="Your token is that of a service, which speaks for people."
          value={by}
          change={setBy}
        />
      )}
      <AreaField
        label="Comment (optional)"
        value={comment}
        change={setComment}
        problem={
          comment.length > LONGEST_COMMENT
            ? `Too long by ${comment.length - LONGEST_COMMENT}`
            : null
        }
      />
      {fate ? (
        <p className="form-failure" role="alert">
          {fate}
        </p>
      ) : (
        <FormFailure error={answer.error} />
      )}
      <DialogButtons>
        <button type="button" onClick={close}>
          {over ? "Close" : "Say nothing yet"}
        </button>
        {!over && (
          <button
            type="submit"
            className={approved ? "main" : "main danger"}
            disabled={answer.isPending}
          >
            {approved ? "Approve" : "Reject"}
          </button>
        )}
      </DialogButtons>
    </Dialog>
  );
}

function Question({ step, approved }: { step: Waiting; approved: boolean }) {
  const { approval, pipeline_name } = step;
  if (!approval) return null;
  const { yes, required } = countOf(approval);
  const left = required - yes - 1;
  return (
    <>
      {approval.message && <p className="approval-question">{approval.message}</p>}
      <p>
        {pipeline_name} · {placeOf(step)} · asks{" "}
        {whomOf(approval) ?? "whoever may control the execution"}
      </p>
      {(approval.decisions ?? []).map(({ by, approved: yesOf, comment, at }) => (
        <p key={`${by} ${at}`}>
          <b>{by ?? "Somebody"}</b> has said {yesOf ? "yes" : "no"}
          {comment && `: ${comment}`}
        </p>
      ))}
      <p>
        {!approved
          ? "One no ends it: the step fails."
          : left > 0
            ? `${left === 1 ? "One more yes is" : `${left} more are`} needed after yours.`
            : "With your yes the execution goes on."}
      </p>
    </>
  );
}

/** Where an answer did not come through: what the API says has become of the step, in words. */
function useFate(step: Waiting, error: Error | null, waits: boolean): string | null {
  const failed = error instanceof Problem ? error : null;
  const isOver = failed?.code === "no_approval_waits";
  const isUnknown = failed !== null && (failed.status === 0 || failed.status >= 500);
  const found = useQuery({
    queryKey: ["decided", step.key],
    queryFn: () => decided(step),
    enabled: isOver || (isUnknown && !waits),
    staleTime: 0,
  });
  const words = found.data ? `It was ${found.data}` : "It does not wait any more";
  if (isOver || (isUnknown && !waits)) return `${words}; your answer was not needed, or has come.`;
  if (isUnknown) {
    return "It is not known whether your answer has come. The list says that the step still waits: try again, it counts once.";
  }
  return null;
}

function useIsService(): boolean {
  const { data } = useQuery({
    queryKey: ["whoami"],
    queryFn: ({ signal }) => get<{ user_id: string | null }>("/whoami", signal),
    staleTime: 60_000,
  });
  return data?.user_id === null;
}
