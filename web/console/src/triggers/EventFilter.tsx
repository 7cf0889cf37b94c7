import { print } from "../api/json";
import type { EventTrigger } from "../api/types";

/** EventFilter events, in a line or two. */
export function EventFilter({ config }: { config: EventTrigger["config"] }) {
  const filters = Object.entries(config.filters);
  return (
    <span className="trigger-filter">
      <code>{config.event_type === "*" ? "every event" : config.event_type}</code>
      {filters.map(([path, value]) => (
        <code key={path}>
          {path} = {print(value)}
        </code>
      ))}
      {config.condition && <code>{config.condition}</code>}
      {config.quiet_seconds !== null && (
        <span className="muted">once it is quiet for {Number(config.quiet_seconds)} s</span>
      )}
    </span>
  );
}
