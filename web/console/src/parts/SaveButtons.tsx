import { DialogButtons } from "./Dialog";
import { FormFailure } from "./FormFailure";

/** The end of a form: what is wrong, somebody who was quicker, and the two buttons. */
export function SaveButtons({
  word,
  save,
  saveOver,
  close,
  shown,
  blocked = null,
}: {
  word: string;
  save: { error: Error | null; isStale: boolean; isPending: boolean };
  saveOver: () => void;
  close: () => void;
  /** Pointers whose faults the fields show. */
  shown: readonly string[];
  /** Why it cannot be sent yet. */
  blocked?: string | null;
}) {
  return (
    <>
      {save.isStale && (
        <div className="form-failure" role="alert">
          <p>
            Somebody else has saved it meanwhile. What you have typed stays here; only what you have
            changed would be laid over theirs.
          </p>
          <div>
            <button type="button" onClick={saveOver} disabled={save.isPending}>
              Lay mine over theirs
            </button>
          </div>
        </div>
      )}
      <FormFailure error={save.error} shown={shown} />
      {blocked && (
        <p className="muted" role="status">
          {blocked}
        </p>
      )}
      <DialogButtons>
        <button type="button" onClick={close}>
          Discard
        </button>
        <button type="submit" className="main" disabled={save.isPending || blocked !== null}>
          {word}
        </button>
      </DialogButtons>
    </>
  );
}
