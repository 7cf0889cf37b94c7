/** Where something cannot be drawn, the rest of the window stays, and one is told what to do. */

import { Component, type ReactNode, useEffect } from "react";
import { session } from "../api/client";
import { Notice } from "./Notice";
import { isNotLoaded } from "./part";

interface Props {
  children: ReactNode;
  /** Nothing is typed in it that would be lost: it may load the page again by itself. */
  alone?: boolean;
  /** What is around the words that say what is the matter. */
  frame?: (words: ReactNode) => ReactNode;
}

export class Boundary extends Component<Props, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    const { children, alone = false, frame = (words) => words } = this.props;
    if (!error) return children;
    return frame(isNotLoaded(error) ? <NotLoaded alone={alone} /> : <Broken error={error} />);
  }
}

function Broken({ error }: { error: Error }) {
  return (
    <Notice title="This could not be shown">
      <p>
        It is a fault of this page: <code>{error.message}</code>
      </p>
      <Again />
    </Notice>
  );
}

/** Milliseconds between two looks whether somebody answers. */
const LOOK = 3_000;
/** A page that was loaded less than so many milliseconds ago is not loaded again by itself. */
const SETTLED = 20_000;

/** The server was away, or has the pages of another version since this one was opened. */
function NotLoaded({ alone }: { alone: boolean }) {
  useEffect(() => {
    if (!alone) return undefined;
    const look = () =>
      session().then(
        () => performance.now() > SETTLED && location.reload(),
        () => undefined,
      );
    const timer = setInterval(look, LOOK);
    return () => clearInterval(timer);
  }, [alone]);
  return (
    <Notice title="This part of the console did not come">
      <p>
        The server cannot be reached, or it has another version by now.
        {alone && " It is loaded again as soon as somebody answers."}
      </p>
      <Again />
    </Notice>
  );
}

const Again = () => (
  <p role="alert">
    <button type="button" onClick={() => location.reload()}>
      Load the page again
    </button>
  </p>
);
