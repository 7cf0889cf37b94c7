import { type FormEvent, type ReactNode, useEffect, useId, useRef } from "react";

/** Asks before something is done. Open as long as it is rendered; Escape and the focus are the browser's. */
export function Dialog({
  title,
  close,
  submit,
  wide = false,
  children,
}: {
  title: string;
  close: () => void;
  /** What Enter and the main button do. */
  submit?: () => void;
  wide?: boolean;
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    submit?.();
  };
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={close} className={wide ? "wide" : undefined}>
      <form onSubmit={onSubmit} noValidate>
        <h2 id={id}>{title}</h2>
        {children}
      </form>
    </dialog>
  );
}

/** The row of buttons at the end of a dialog: the one that changes nothing comes first. */
export function DialogButtons({ children }: { children: ReactNode }) {
  return <div className="answers">{children}</div>;
}
