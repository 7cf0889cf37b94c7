import { type Act, useAct } from "./act";

/** Does something at once, and says what came of it. */
export function ActButton<Answer>({
  word,
  label,
  ...options
}: Omit<Act<undefined, Answer>, "aloud"> & {
  word: string;
  /** With what it is done to; it is the same as the word where the page has only one of them. */
  label?: string;
}) {
  const act = useAct({ ...options, aloud: true });
  return (
    <button
      type="button"
      disabled={act.isPending}
      aria-label={label}
      onClick={() => act.once(undefined)}
    >
      {word}
    </button>
  );
}
