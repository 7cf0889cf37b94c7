import { Icon } from "../../parts/Icon";
import type { IconName } from "../../states";

const LEGEND: [string, string, IconName][] = [
  ["completed", "done", "check"],
  ["running", "running", "play"],
  ["parked", "parked", "pause"],
  ["trying again", "retrying", "retry"],
  ["failed", "failed", "cross"],
  ["waiting", "waiting", "dot"],
  ["skipped", "skipped", "skip"],
];

export function Legend() {
  return (
    <ul className="legend" aria-label="Signs">
      {LEGEND.map(([word, look, icon]) => (
        <li key={look}>
          <span className={`tint-${look}`}>
            <Icon name={icon} />
          </span>
          {word}
        </li>
      ))}
    </ul>
  );
}
