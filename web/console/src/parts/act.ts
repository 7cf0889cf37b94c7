/** Acts: something is done once, the lists that it changes are asked anew, and it is said aloud. */

import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { Problem } from "../api/client";
import { announce } from "./announce";

export interface Act<Input, Answer> {
  act: (input: Input) => Promise<Answer>;
  /** Queries whose answers are others now. */
  changes: QueryKey[];
  /** What is said when it is done; nothing where the page shows it. */
  said?: (answer: Answer, input: Input) => string | null;
  after?: (answer: Answer, input: Input) => void;
  /** Where no dialog shows what has gone wrong, it is said. */
  aloud?: boolean;
}

export function useAct<Input, Answer>(options: Act<Input, Answer>) {
  const { act, changes, said, after, aloud = false } = options;
  const client = useQueryClient();
  const busy = useRef(false);
  const mutation = useMutation({
    mutationFn: act,
    onSuccess: (answer, input) => {
      const words = said?.(answer, input);
      if (words) announce(words);
      after?.(answer, input);
    },
    onError: (error) => {
      if (aloud) announce(inWords(error), { failed: true });
    },
    onSettled: () => {
      busy.current = false;
      return Promise.all(changes.map((queryKey) => client.invalidateQueries({ queryKey })));
    },
  });
  /** A second press, or an Enter that is held, finds it on its way. */
  const once = (input: Input) => {
    if (busy.current) return;
    busy.current = true;
    mutation.mutate(input);
  };
  return { once, isPending: mutation.isPending, error: mutation.error, reset: mutation.reset };
}

export const inWords = (error: Error): string =>
  error instanceof Problem ? `${error.message} (${error.code})` : error.message;
