import { memo } from "react";
import { print } from "../../api/json";
import type { LogLine } from "../../api/types";
import { Preformatted } from "../../parts/Preformatted";
import { clock, exact, moment } from "../../time";

/** What of a line is drawn in its row, and what of it when it is opened. */
const IN_ROW = 400;
const OPENED = 65_536;

interface Props {
  line: LogLine;
  chosen: boolean;
  choose: (cursor: string, further: boolean) => void;
}

export const Line = memo(function Line({ line, chosen, choose }: Props) {
  const at = moment(line.at);
  const [first = "", ...more] = line.message.slice(0, OPENED).split("\n");
  return (
    <li data-level={line.level}>
      <button
        type="button"
        className="plain"
        tabIndex={-1}
        aria-pressed={chosen}
        onClick={(event) => choose(line.cursor, event.shiftKey)}
      >
        <time dateTime={line.at} title={exact(at)}>
          {clock(at, 1)}
        </time>
        <span className="level">{line.level}</span>
        <span className="message">
          {line.item_index !== null && <span className="fact">{line.item_index} </span>}
          {first.slice(0, IN_ROW)}
          {more.length > 0 && <span className="fact"> … {more.length} more lines</span>}
          <Facts line={line} />
        </span>
      </button>
    </li>
  );
});

function Facts({ line }: { line: LogLine }) {
  return Object.entries(line.facts).map(([name, value]) => (
    <span key={name} className="fact">
      {" "}
      {name}={print(value).slice(0, IN_ROW)}
    </span>
  ));
}

/** All of a line that has been chosen. */
export function Opened({ line }: { line: LogLine }) {
  const cut = line.message.length > OPENED;
  return (
    <section className="opened" aria-label="The chosen line">
      <p className="muted">
        {exact(moment(line.at))} · {line.level} · {line.step_id}
        {line.item_index !== null && ` · item ${line.item_index}`} · attempt {line.attempt}
        {cut && " · the first 64 KB; all of it can be copied"}
      </p>
      <Preformatted>
        {line.message.slice(0, OPENED)}
        {Object.keys(line.facts).length > 0 && `\n${print(line.facts)}`}
      </Preformatted>
    </section>
  );
}
