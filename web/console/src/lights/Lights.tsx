import { Mark } from "../parts/State";
import { useLights } from "./useLights";
import "./lights.css";

/** Each part of the installation: a sign, its name, and what is known of it. */
export function Lights() {
  const lights = useLights();
  const troubled = lights?.filter(({ state }) => state.look === "failed") ?? [];
  return (
    <section aria-label="Parts of the installation">
      <ul className="lights" aria-busy={lights === null}>
        {(lights ?? WAITING).map(({ name, state, says }) => (
          <li key={name}>
            <Mark state={state} />
            <span className="lights-words">
              <b>{name}</b>
              <span className="muted" title={says}>
                {says}
              </span>
            </span>
          </li>
        ))}
      </ul>
      <span className="unseen" role="status">
        {troubled.map(({ name, says }) => `${name} is not well: ${says}.`).join(" ")}
      </span>
    </section>
  );
}

const WAITING = ["Web", "Workers", "Beat", "PostgreSQL", "Redis"].map((name) => ({
  name,
  state: { word: "Being asked", look: "waiting", icon: "dot" } as const,
  says: "…",
}));
