import type { QueryKey } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { change } from "../api/client";
import { useAct } from "./act";
import { Confirm } from "./Confirm";

/** Deletes one thing, once somebody has said that it shall be. */
export function DeleteButton({
  noun,
  name,
  path,
  changes,
  deleted,
  children,
}: {
  noun: string;
  name: string;
  path: string;
  changes: QueryKey[];
  deleted: () => void;
  /** What becomes of what belongs to it. */
  children: ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const remove = useAct({
    act: () => change("DELETE", path),
    changes,
    said: () => `${name} was deleted.`,
    after: deleted,
  });
  return (
    <>
      <button type="button" className="danger" onClick={() => setOpen(true)}>
        Delete
      </button>
      {open && (
        <Confirm
          title={`Delete “${name}”?`}
          word={`Delete ${noun}`}
          running={remove.isPending}
          error={remove.error}
          act={() => remove.once(undefined)}
          close={() => setOpen(false)}
        >
          <p>{children}</p>
        </Confirm>
      )}
    </>
  );
}
