/** Asks the engine what it has against the definition, a moment after the last change. */

import { useEffect, useState } from "react";
import type { Members } from "../api/json";
import { type Problem, problemsOf } from "./model/issues";
import { check } from "./server";

const PAUSE = 500;

export interface Checked {
  problems: readonly Problem[];
  /** Whether what is said is about what is there now. */
  isCurrent: boolean;
  isAway: boolean;
}

export function useValidation(document: Members): Checked {
  const [found, setFound] = useState<{ of: Members | null; problems: Problem[]; isAway: boolean }>({
    of: null,
    problems: [],
    isAway: false,
  });
  useEffect(() => {
    let isLate = false;
    const timer = setTimeout(
      () =>
        check(document).then(
          (report) =>
            isLate ||
            setFound({ of: document, problems: problemsOf(document, report), isAway: false }),
          () => isLate || setFound((before) => ({ ...before, isAway: true })),
        ),
      PAUSE,
    );
    return () => {
      isLate = true;
      clearTimeout(timer);
    };
  }, [document]);
  return { ...found, isCurrent: found.of === document };
}
