import type { ReactNode } from "react";
import { Problem } from "../api/client";

/** Words where there is nothing else: what is the matter, and what one can do. */
export function Notice({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="notice">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const [code, status] = error instanceof Problem ? [error.code, error.status] : ["error", 0];
  return (
    <div className="notice" role="alert">
      <h2>{status === 404 ? "There is nothing here" : "This could not be loaded"}</h2>
      <p>
        {error.message} <code>{code}</code>
      </p>
      {retry && status !== 404 && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
