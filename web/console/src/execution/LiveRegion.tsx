import { useEffect, useState } from "react";
import type { Progress } from "../api/types";
import { stateOfExecution, stateOfStep } from "../states";

/** Milliseconds between two announcements, so that one can listen to something else, too. */
const PAUSE = 5_000;

/** Says aloud how it stands when that has changed. */
export function LiveRegion({ progress }: { progress: Progress }) {
  const text = spoken(progress);
  const [said, setSaid] = useState(text);
  useEffect(() => {
    if (said === text) return;
    const timer = setTimeout(() => setSaid(text), PAUSE);
    return () => clearTimeout(timer);
  }, [said, text]);
  return (
    <p className="unseen" role="status">
      {said}
    </p>
  );
}

function spoken({ execution, steps }: Progress): string {
  const { word } = stateOfExecution(execution);
  const count = (look: string) => steps.filter((step) => stateOfStep(step).look === look).length;
  const told = ["failed", "parked", "retrying"]
    .map((look) => [count(look), look] as const)
    .filter(([number]) => number > 0)
    .map(([number, look]) => `${number} ${look}`);
  return [`Execution ${word.toLowerCase()}`, ...told].join(", ");
}
