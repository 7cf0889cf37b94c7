/** The items of a fan-out, or the steps of a block: found on the server, and drawn where one looks. */

import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { Step } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { type ItemCount, itemCounts } from "../../parts/itemCounts";
import { Failure } from "../../parts/Notice";
import { Search } from "../../parts/Search";
import { Mark } from "../../parts/State";
import { useShown, useWindow } from "../../parts/useWindow";
import { Link, useQueryString, withQuery } from "../../router";
import { isOpen, stateOfStep } from "../../states";
import { duration, moment } from "../../time";
import { itemName, useItems } from "../items";

/** Pixels. */
const ROW = 34;
const COLUMN = 340;

export function Items({ step, now }: { step: Step; now: number }) {
  const query = useQueryString();
  const sought = { text: query.get("item") ?? "", state: query.get("state") };
  return (
    <div className="items-panel">
      <Search label="Label, or # and the index" name="item" />
      {step.items && <States counts={itemCounts(step.items)} chosen={sought.state} />}
      <Found key={`${step.id} ${sought.text} ${sought.state}`} {...{ step, sought, now }} />
    </div>
  );
}

function States({ counts, chosen }: { counts: ItemCount[]; chosen: string | null }) {
  return (
    <nav className="item-states" aria-label="State of the items">
      {counts.map(({ look, icon, word, count, status }) => (
        <Link
          key={status}
          className={`chip ${look}`}
          href={withQuery({ state: chosen === status ? null : status })}
          aria-current={chosen === status ? "true" : undefined}
        >
          <Icon name={icon} />
          {count.toLocaleString("en-GB")} {word}
        </Link>
      ))}
    </nav>
  );
}

interface FoundProps {
  step: Step;
  sought: { text: string; state: string | null };
  now: number;
}

function Found({ step, sought, now }: FoundProps) {
  const frame = useRef<HTMLDivElement>(null);
  const columns = useColumns(frame);
  const [count, setCount] = useState(0);
  const rows = useWindow(frame, Math.ceil(count / columns), ROW);
  const [from, to] = [rows.from * columns, Math.min(count, rows.to * columns)];
  const { first, total, at } = useItems(step, sought, from, to);
  if (total !== count) setCount(total);
  const walk = useWalk(frame, total, columns);
  if (first.error && !first.data) {
    return <Failure error={first.error} retry={() => void first.refetch()} />;
  }
  if (!first.data) return <p className="empty">Loading…</p>;
  const narrowed = sought.text !== "" || sought.state !== null;
  return (
    <>
      <p className="empty" role="status">
        {total === 0
          ? narrowed
            ? "None is like that."
            : "There are none yet."
          : narrowed && `${total.toLocaleString("en-GB")} found`}
      </p>
      <section className="item-list" aria-label="Items" ref={frame} onKeyDown={walk.press}>
        <div style={{ height: Math.ceil(total / columns) * ROW }}>
          <ul
            style={{
              transform: `translateY(${rows.from * ROW}px)`,
              gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
            }}
          >
            {Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index).map(
              (index) => (
                <Item
                  key={index}
                  {...{ index, now }}
                  item={at(index)}
                  isEntry={index === walk.entry}
                />
              ),
            )}
          </ul>
        </div>
      </section>
    </>
  );
}

interface ItemProps {
  index: number;
  item: Step | undefined;
  now: number;
  /** Where Tab enters the list. */
  isEntry: boolean;
}

function Item({ index, item, now, isEntry }: ItemProps) {
  if (!item) return <li aria-busy="true" />;
  const name = itemName(item);
  return (
    <li>
      <Link
        href={withQuery({ row: item.id, tab: "overview", attempt: null })}
        data-index={index}
        tabIndex={isEntry ? 0 : -1}
        title={item.error_message ?? name}
      >
        <Mark state={stateOfStep(item)} />
        <span className="name">
          {item.kind === "item" && <span className="id">{item.item_index} </span>}
          {name}
          {item.attempt > 1 && <span className="muted"> · attempt {item.attempt}</span>}
          {item.error_message && <span className="error"> {item.error_message}</span>}
        </span>
        <span className="muted">{spanOf(item, now)}</span>
      </Link>
    </li>
  );
}

/** As many columns as have room. */
function useColumns(frame: React.RefObject<HTMLElement | null>): number {
  const [columns, setColumns] = useState(1);
  const box = useShown(frame);
  useEffect(() => {
    if (!box) return;
    const observer = new ResizeObserver(() =>
      setColumns(Math.max(1, Math.floor(box.clientWidth / COLUMN))),
    );
    observer.observe(box);
    return () => observer.disconnect();
  }, [box]);
  return columns;
}

/** Arrows, `j` and `k`, Home and End go through all items, also those that are no elements yet. */
function useWalk(frame: React.RefObject<HTMLElement | null>, total: number, columns: number) {
  const [at, setAt] = useState<number | null>(null);
  useEffect(() => {
    if (at === null) return;
    frame.current?.querySelector<HTMLElement>(`[data-index="${at}"]`)?.focus({
      preventScroll: true,
    });
  });
  const press = (event: KeyboardEvent) => {
    const now = Number((event.target as HTMLElement).dataset.index ?? -1);
    const page = Math.floor((frame.current?.clientHeight ?? 0) / ROW) * columns;
    const steps: Record<string, number> = {
      j: 1,
      k: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
      ArrowRight: 1,
      ArrowLeft: -1,
      PageDown: page,
      PageUp: -page,
      Home: Number.NEGATIVE_INFINITY,
      End: Number.POSITIVE_INFINITY,
    };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(total - 1, now + step));
    reveal(frame.current, Math.floor(next / columns));
    setAt(next);
  };
  return { entry: at ?? 0, press };
}

function reveal(box: HTMLElement | null, row: number): void {
  if (!box) return;
  if (row * ROW < box.scrollTop) box.scrollTop = row * ROW;
  const end = (row + 1) * ROW - box.clientHeight;
  if (end > box.scrollTop) box.scrollTop = end;
}

function spanOf(item: Step, now: number): string {
  if (item.start_time === null) return "";
  const until = item.end_time
    ? moment(item.end_time)
    : isOpen(item.status)
      ? now
      : moment(item.updated_at);
  return duration(until - moment(item.start_time));
}
