import type { ReactNode } from "react";
import { Dialog, DialogButtons } from "./Dialog";
import { FormFailure } from "./FormFailure";

/** Asks before something is done that cannot be taken back. */
export function Confirm({
  title,
  word,
  running,
  danger = true,
  error,
  act,
  close,
  children,
}: {
  title: string;
  /** On the button that does it. */
  word: string;
  running: boolean;
  danger?: boolean;
  error: Error | null;
  act: () => void;
  close: () => void;
  children: ReactNode;
}) {
  return (
    <Dialog title={title} close={close} submit={act}>
      {children}
      <FormFailure error={error} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="submit" className={danger ? "main danger" : "main"} disabled={running}>
          {word}
        </button>
      </DialogButtons>
    </Dialog>
  );
}
