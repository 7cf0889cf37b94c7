/** A session that has ended takes nothing of the editor away: one signs in above it. */

import { useState } from "react";
import { SignInAgain } from "../session/SignInAgain";
import type { Editing } from "./editing";

export function SignIn({ editing }: { editing: Editing }) {
  const [isOpen, setOpen] = useState(true);
  return (
    <section className="theirs" aria-label="Signed out" role="status">
      <div className="theirs-head">
        <p>
          <b>Your session has ended.</b> What you have edited is kept in this tab.
        </p>
        <button type="button" className="main" onClick={() => setOpen(true)}>
          Sign in
        </button>
      </div>
      {isOpen && (
        <SignInAgain
          back={() => editing.set({ isSignedOut: false, saving: "idle" })}
          close={() => setOpen(false)}
        />
      )}
    </section>
  );
}
