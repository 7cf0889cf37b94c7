/** The session has ended: one leaves for the door, or signs in here if that would lose what one has typed. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { toSignIn, whenSessionEnds } from "../api/client";
import { SignInAgain } from "./SignInAgain";
import { hasTyped } from "./typed";
import "./session.css";

export function Ended() {
  const [ended, setEnded] = useState(false);
  const [isAsking, ask] = useState(false);
  const queries = useQueryClient();
  useEffect(() => {
    const stay = () => {
      if (!ended) ask(true);
      setEnded(true);
    };
    return whenSessionEnds(() => (hasTyped() ? stay() : toSignIn()));
  }, [ended]);
  if (!ended) return null;
  const back = () => {
    setEnded(false);
    void queries.invalidateQueries();
  };
  return (
    <section className="session-ended" aria-label="Signed out" role="status">
      <p>
        <b>Your session has ended.</b> What you have typed is kept in this tab.
      </p>
      <button type="button" className="main" onClick={() => ask(true)}>
        Sign in
      </button>
      {isAsking && <SignInAgain back={back} close={() => ask(false)} />}
    </section>
  );
}
