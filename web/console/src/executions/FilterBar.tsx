/** Which executions are shown. */

import { type FormEvent, useState } from "react";
import { serverNow } from "../api/clock";
import { PipelineChoice } from "../parts/PipelineChoice";
import { Search } from "../parts/Search";
import { go, Link, useQueryString, withQuery } from "../router";
import { EXECUTION_STATUSES, stateOfStatus } from "../states";
import { endedInWords, type Filters, isNarrowed, isParam, NAMES, toggled } from "./filters";

export function FilterBar({ filters }: { filters: Filters }) {
  const query = useQueryString();
  const nothing = Object.fromEntries(NAMES.map((name) => [name, null]));
  return (
    <search className="execution-choices">
      <div className="execution-choice-line">
        <Search label="Pipeline's name, or the start of an id" />
        <States filters={filters} />
        {isNarrowed(query) && (
          <Link className="button" href={withQuery(nothing)}>
            Show all
          </Link>
        )}
      </div>
      <div className="execution-choice-line">
        <PipelineChoice chosen={filters.pipeline} />
        <When filters={filters} />
        <Ended filters={filters} />
        <Initiator key={filters.initiator} written={filters.initiator} />
        <Params params={filters.params} />
      </div>
    </search>
  );
}

/** Several at once; without any, all. */
function States({ filters: { statuses, parked } }: { filters: Filters }) {
  return (
    <nav className="tabs" aria-label="States; several may be chosen">
      <Link
        href={withQuery({ status: null, parked: null, page: null })}
        aria-current={statuses.length === 0 && !parked ? "true" : undefined}
      >
        All
      </Link>
      {EXECUTION_STATUSES.map((status) => (
        <Link
          key={status}
          href={withQuery({ status: toggled(statuses, status), page: null })}
          aria-current={statuses.includes(status) ? "true" : undefined}
        >
          {stateOfStatus(status).word}
        </Link>
      ))}
      <Link
        href={withQuery({ parked: parked ? null : "1", page: null })}
        aria-current={parked ? "true" : undefined}
      >
        Parked
      </Link>
    </nav>
  );
}

const TIMES = [
  ["", "any time"],
  ["1h", "the last hour"],
  ["24h", "the last 24 hours"],
  ["7d", "the last 7 days"],
  ["30d", "the last 30 days"],
  ["own", "from … to …"],
];

function When({ filters: { span, from, to } }: { filters: Filters }) {
  const query = useQueryString();
  const own = query.has("from") || query.has("to");
  const choose = (value: string) =>
    go(
      withQuery({
        last: value === "own" ? null : value || null,
        from: value === "own" ? (from ?? "") : null,
        to: null,
        page: null,
      }),
    );
  const set = (name: string, value: string) =>
    go(withQuery({ [name]: value, page: null }), { replace: true });
  return (
    <>
      <label className="select">
        <span>Created</span>
        <select value={own ? "own" : (span ?? "")} onChange={(event) => choose(event.target.value)}>
          {TIMES.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </label>
      {own && (
        <span className="execution-choice-line execution-span">
          <input
            type="datetime-local"
            aria-label="From"
            value={from ?? ""}
            onChange={(event) => set("from", event.target.value)}
          />
          –
          <input
            type="datetime-local"
            aria-label="To"
            value={to ?? ""}
            onChange={(event) => set("to", event.target.value)}
          />
        </span>
      )}
    </>
  );
}

/** Where one came from a figure or a bar: what it has counted. */
function Ended({ filters }: { filters: Filters }) {
  const words = endedInWords(filters, serverNow());
  if (!words) return null;
  return (
    <Link
      className="execution-param"
      href={withQuery({ ended_from: null, ended_before: null, page: null })}
      title="Take it away"
    >
      {words} ×
    </Link>
  );
}

function Initiator({ written }: { written: string }) {
  const [text, setText] = useState(written);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    go(withQuery({ by: text.trim() || null, page: null }));
  };
  return (
    <form onSubmit={submit} className="select">
      <label>
        Initiator{" "}
        <input
          value={text}
          placeholder="api, scheduled, …"
          maxLength={255}
          onChange={(event) => setText(event.target.value)}
          onBlur={submit}
        />
      </label>
    </form>
  );
}

/** One value of a param after the other; all of them must be so. */
function Params({ params }: { params: string[] }) {
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = text.replace("=", ":").trim();
    if (!isParam(given)) return;
    setText("");
    go(withParams([...params, given]));
  };
  return (
    <form onSubmit={submit} className="select">
      <label>
        Param{" "}
        <input
          value={text}
          placeholder="name = value, Enter"
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      {params.map((param) => (
        <Link
          key={param}
          className="execution-param"
          href={withParams(params.filter((one) => one !== param))}
          title="Take it away"
        >
          {param.replace(":", " = ")} ×
        </Link>
      ))}
    </form>
  );
}

function withParams(params: string[]): string {
  const query = new URLSearchParams(location.search);
  query.delete("param");
  query.delete("page");
  for (const param of params) query.append("param", param);
  const written = query.toString();
  return location.pathname + (written && `?${written}`);
}
