import type { State } from "../states";
import { Icon } from "./Icon";

/** A state as icon, word and colour. */
export function Chip({ state, text }: { state: State; text?: string }) {
  return (
    <span className={`chip ${state.look}`}>
      <Icon name={state.icon} />
      {text ?? state.word}
    </span>
  );
}

/** The same without room for the word, which is there for whoever cannot see it. */
export function Mark({ state }: { state: State }) {
  return (
    <span className={`mark ${state.look}`} title={state.word}>
      <Icon name={state.icon} />
      <span className="unseen">{state.word}</span>
    </span>
  );
}
