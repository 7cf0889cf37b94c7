import { Panel, useReactFlow, useStore, type Viewport } from "@xyflow/react";
import { type KeyboardEvent as ReactKey, useRef, useState } from "react";
import type { Step } from "../../api/types";
import { type Arrangement, DAGRE } from "../../graph/layout";
import { useKeys } from "../../keys/useKeys";
import { go, useQueryString, withQuery } from "../../router";

/** With so few steps one finds each without looking. */
const FEW = 8;

/** Narrower than this the legend has two lines. */
const NARROW = 760;

/** Room for the legend and the buttons below, and above for the field, if there is one. */
export const room = (steps: number, width: number) =>
  ({
    x: "24px",
    top: steps > FEW ? "60px" : "20px",
    bottom: width < NARROW ? "68px" : "52px",
  }) as const;
/** Below this, text cannot be read: of many steps no cards are drawn then. */
export const READABLE = 0.5;
interface Props {
  steps: Step[];
  fitted: Viewport;
  lit: Set<string> | null;
  arrangement: Arrangement;
  onMoved: () => void;
  select: (id: string) => void;
}

export function Tools({ steps, fitted, lit, arrangement, onMoved, select }: Props) {
  const { setViewport, zoomIn, zoomOut } = useReactFlow();
  const percent = useStore(({ transform }) => Math.round(transform[2] * 100));
  const fit = () => void setViewport(fitted);
  useKeys([{ keys: "f", word: "Show all steps", where: "Graph", act: fit }]);
  return (
    <>
      <Panel position="bottom-right" className="graph-corner">
        <button
          type="button"
          aria-label="Smaller"
          onClick={() => {
            onMoved();
            void zoomOut();
          }}
        >
          −
        </button>
        <span className="zoom">{percent} %</span>
        <button
          type="button"
          aria-label="Larger"
          onClick={() => {
            onMoved();
            void zoomIn();
          }}
        >
          +
        </button>
        <button type="button" onClick={fit}>
          Fit <kbd>f</kbd>
        </button>
      </Panel>
      {steps.length > FEW && (
        <Panel position="top-left" className="finder">
          <Finder {...{ lit, arrangement, onMoved, select }} steps={steps} />
          {steps.length > DAGRE && percent < READABLE * 100 && (
            <span className="far">
              {steps.length.toLocaleString("en-GB")} steps as a map; from {READABLE * 100} % on they
              have cards. So many have no minimap.
            </span>
          )}
        </Panel>
      )}
    </>
  );
}

/** Lights the steps up that are sought; Enter goes from one to the next. */
function Finder({ steps, lit, arrangement, onMoved, select }: Omit<Props, "fitted">) {
  const { setCenter } = useReactFlow();
  const input = useRef<HTMLInputElement>(null);
  const sought = useQueryString().get("find") ?? "";
  const [at, setAt] = useState(-1);
  useKeys([{ keys: "/", word: "Find a step", where: "Graph", act: () => input.current?.focus() }]);
  const hits = lit ? steps.filter((step) => lit.has(step.id)) : [];
  const show = (number: number) => {
    const step = hits[number];
    const place = step && arrangement.places.get(step.id);
    if (!place) return;
    setAt(number);
    onMoved();
    void setCenter(place.x + place.width / 2, place.y + place.height / 2, { zoom: 0.9 });
    select(step.id);
  };
  const press = (event: ReactKey) => {
    if (event.key === "Enter" && hits.length > 0) {
      show((at + (event.shiftKey ? hits.length - 1 : 1)) % hits.length);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      go(withQuery({ find: null }), { replace: true });
    }
  };
  return (
    <label className="graph-find">
      <span className="unseen">Find a step</span>
      <input
        ref={input}
        type="search"
        placeholder="Find a step  /"
        value={sought}
        onChange={(event) => {
          setAt(-1);
          go(withQuery({ find: event.target.value || null }), { replace: true });
        }}
        onKeyDown={press}
      />
      {lit && (
        <output>
          {at >= 0 ? `${at + 1} of ` : ""}
          {hits.length}
        </output>
      )}
    </label>
  );
}
