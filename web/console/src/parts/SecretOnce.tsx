import type { ReactNode } from "react";
import { CopyButton } from "./CopyButton";
import { Dialog, DialogButtons } from "./Dialog";

/** Secrets that nobody is told again: they are shown as long as this is open. */
export function SecretOnce({
  title,
  secrets,
  children,
  close,
}: {
  title: string;
  secrets: { word: string; text: string }[];
  children?: ReactNode;
  close: () => void;
}) {
  return (
    <Dialog wide title={title} close={close} submit={close}>
      <p>Nobody is told this again: copy it to where it is needed before you close this.</p>
      {secrets.map(({ word, text }) => (
        <div className="secret-once" key={word}>
          <span>{word}</span>
          <code>{text}</code>
          <CopyButton text={text}>Copy</CopyButton>
        </div>
      ))}
      {children}
      <DialogButtons>
        <button type="submit" className="main">
          I have kept it
        </button>
      </DialogButtons>
    </Dialog>
  );
}
