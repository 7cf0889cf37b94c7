/** What the actions have written down: from the end, followed, searched, copied and saved. */

import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Execution, OneStep } from "../../api/types";
import { announce } from "../../parts/announce";
import { CopyButton } from "../../parts/CopyButton";
import { Failure } from "../../parts/Notice";
import { Search } from "../../parts/Search";
import { useWindow } from "../../parts/useWindow";
import { go, Link, useQueryString, withQuery } from "../../router";
import { isOpen } from "../../states";
import { save } from "../save";
import { Line, Opened } from "./Line";
import { type Stretch, written } from "./lines";
import { type Log, useLog } from "./useLog";
import "./logs.css";

/** Pixels. */
const ROW = 20;
const LEVELS = ["debug", "info", "warning", "error", "critical"];

interface Props {
  execution: Execution;
  /** The step or item of which; null for all. */
  row: OneStep | null;
}

export function Logs({ execution, row }: Props) {
  const query = useQueryString();
  const attempt = row ? query.get("attempt") : null;
  const text = query.get("log") ?? "";
  const level = LEVELS.find((one) => one === query.get("level")) ?? null;
  // The lines of a fan-out are those of its items; they have the step's id, but rows of their own.
  const filter = {
    row: row && !row.items ? row.id : null,
    step: row?.items ? row.step_id : null,
    attempt,
    level,
    text,
  };
  const open = isOpen((row ?? execution).status);
  const log = useLog(execution.id, filter, open);
  return (
    <div className="logs-panel">
      <div className="execution-line">
        <Search label="Search the log" name="log" />
        <select
          aria-label="Level"
          value={level ?? ""}
          onChange={(event) =>
            go(withQuery({ level: event.target.value || null }), { replace: true })
          }
        >
          <option value="">all levels</option>
          {LEVELS.slice(1).map((one) => (
            <option key={one} value={one}>
              {one} and above
            </option>
          ))}
        </select>
        {attempt && <Link href={withQuery({ attempt: null })}>attempt {attempt} ×</Link>}
      </div>
      {log.error && !log.stretch ? (
        <Failure error={log.error} />
      ) : log.stretch === null ? (
        <p className="empty">Loading…</p>
      ) : log.stretch.lines.length === 0 ? (
        <p className="empty">
          {text || level ? "No line is like that." : "Its actions have written nothing down."}
        </p>
      ) : (
        <Lines
          log={log}
          stretch={log.stretch}
          open={open}
          file={`${row?.step_id ?? execution.id}.log`}
        />
      )}
    </div>
  );
}

interface LinesProps {
  log: Log;
  stretch: Stretch;
  open: boolean;
  file: string;
}

interface Chosen {
  from: string;
  to: string;
}

function Lines({ log, stretch, open, file }: LinesProps) {
  const { lines } = stretch;
  const frame = useRef<HTMLDivElement>(null);
  const [followed, setFollowed] = useState(true);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const { from, to } = useWindow(frame, lines.length, ROW);
  useKeepPlace(frame, stretch, followed);
  const { earlier, later } = log;
  const near = { start: from === 0 && !stretch.atStart, end: to >= lines.length && !stretch.atEnd };
  const length = lines.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once more when the next ones are there
  useEffect(() => {
    if (near.end) later();
    else if (near.start && (frame.current?.scrollTop ?? 0) < ROW * 20) earlier();
  }, [near.start, near.end, length]);
  const at = (cursor: string) => lines.findIndex((line) => line.cursor === cursor);
  const [begin, end] = chosen ? [at(chosen.from), at(chosen.to)].sort((a, b) => a - b) : [-1, -1];
  const choose = (cursor: string, further: boolean) =>
    setChosen((known) =>
      further && known
        ? { ...known, to: cursor }
        : known?.from === cursor && known.to === cursor
          ? null
          : { from: cursor, to: cursor },
    );
  const picked = begin === undefined || begin < 0 ? [] : lines.slice(begin, (end ?? begin) + 1);
  const press = (event: KeyboardEvent) => {
    const box = frame.current;
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Home") {
      event.preventDefault();
      setFollowed(false);
      void (stretch.atStart ? Promise.resolve() : log.toStart()).then(() => {
        box.scrollTop = 0;
      });
    } else if (event.key === "End") {
      event.preventDefault();
      setFollowed(true);
      void (stretch.atEnd ? Promise.resolve() : log.toEnd()).then(() => {
        box.scrollTop = box.scrollHeight;
      });
    }
  };
  return (
    <>
      <section
        className="log-lines"
        ref={frame}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        tabIndex={0}
        aria-label="Log; Home and End go to its ends"
        onKeyDown={press}
        onWheel={(event) => event.deltaY < 0 && setFollowed(false)}
      >
        <div style={{ height: lines.length * ROW }}>
          <ol style={{ transform: `translateY(${from * ROW}px)` }}>
            {lines.slice(from, to).map((line, index) => (
              <Line
                key={line.cursor}
                line={line}
                chosen={from + index >= (begin ?? 0) && from + index <= (end ?? -1)}
                choose={choose}
              />
            ))}
          </ol>
        </div>
      </section>
      {picked.length === 1 && picked[0] && <Opened line={picked[0]} />}
      <div className="execution-line">
        {open && (
          <label className="execution-check">
            <input
              type="checkbox"
              checked={followed && stretch.atEnd}
              onChange={(event) => {
                setFollowed(event.target.checked);
                if (event.target.checked) void log.toEnd();
              }}
            />
            Follow
          </label>
        )}
        {picked.length > 0 && (
          <CopyButton text={picked.map(written).join("")}>
            {picked.length === 1
              ? "Copy line"
              : `Copy ${picked.length.toLocaleString("en-GB")} lines`}
          </CopyButton>
        )}
        <SaveAll log={log} file={file} />
        <span className="muted">
          {stretch.atStart && stretch.atEnd
            ? `${lines.length.toLocaleString("en-GB")} lines`
            : "click and shift-click choose lines"}
        </span>
      </div>
    </>
  );
}

/** Reads all pages first, and says how far it is. */
function SaveAll({ log, file }: { log: Log; file: string }) {
  const [read, setRead] = useState<number | null>(null);
  const act = () => {
    setRead(0);
    log
      .all(setRead)
      .then(
        (parts) => save(file, "text/plain", parts),
        (error: Error) => announce(error.message, { failed: true }),
      )
      .finally(() => setRead(null));
  };
  return (
    <button type="button" onClick={act} disabled={read !== null}>
      {read === null ? "Download all" : `${read.toLocaleString("en-GB")} lines…`}
    </button>
  );
}

/** At the end while it is followed; else what one reads stays where it is. */
function useKeepPlace(
  frame: React.RefObject<HTMLElement | null>,
  { lines }: Stretch,
  followed: boolean,
): void {
  const before = useRef(lines);
  useLayoutEffect(() => {
    const box = frame.current;
    const known = before.current;
    before.current = lines;
    if (!box) return;
    if (followed) {
      box.scrollTop = box.scrollHeight;
      return;
    }
    const first = known[0]?.cursor;
    if (known === lines || lines[0]?.cursor === first) return;
    const moved = lines.findIndex((line) => line.cursor === first);
    if (moved > 0) box.scrollTop += moved * ROW;
  }, [frame, lines, followed]);
}
