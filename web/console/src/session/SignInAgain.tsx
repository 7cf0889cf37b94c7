/** Signs in again without leaving the page. Who is somebody else does not see what stands there. */

import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { session, signInWith } from "../api/client";
import { announce } from "../parts/announce";
import { Dialog, DialogButtons } from "../parts/Dialog";

export function SignInAgain({ back, close }: { back: () => void; close: () => void }) {
  const [token, setToken] = useState("");
  const [said, setSaid] = useState<string | null>(null);
  const field = useId();
  // Whoever was here is known from before.
  const { data: before } = useQuery({ queryKey: ["session"], queryFn: session, enabled: false });
  const look = async () => {
    const now = await session().catch(() => null);
    if (!now) return setSaid("Nobody is signed in yet.");
    if (before && now.subject !== before.subject) return location.replace("/console/");
    announce("Signed in again.");
    back();
    return close();
  };
  const submit = async () => {
    const why = await signInWith(token.trim());
    if (why) setSaid(why);
    else await look();
  };
  return (
    <Dialog title="Sign in again" close={close} submit={() => void submit()}>
      <p>What you have typed stays as it is. Sign in as {before?.subject ?? "before"} to go on.</p>
      <label htmlFor={field}>
        Token
        <input
          id={field}
          type="password"
          autoComplete="current-password"
          spellCheck={false}
          value={token}
          aria-invalid={said !== null || undefined}
          onChange={(event) => setToken(event.target.value)}
        />
      </label>
      {said && (
        <p className="failure" role="alert">
          {said}
        </p>
      )}
      <DialogButtons>
        <button type="button" onClick={() => void look()}>
          I have signed in in another tab
        </button>
        <button type="submit" className="main" disabled={token.trim() === ""}>
          Sign in
        </button>
      </DialogButtons>
    </Dialog>
  );
}
