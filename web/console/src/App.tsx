/** The frame of all pages: where one is, who one is, and what the time is here. */

import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { session, signOut } from "./api/client";
import { Executions } from "./executions/Executions";
import { Notice } from "./parts/Notice";
import { HOME, Link, usePath } from "./router";
import { type Choice, choose, useChoice } from "./theme/theme";
import { ZONE } from "./time";

// The graph is half of the code, and the list needs none of it.
const Execution = lazy(() => import("./execution/Execution"));
const EXECUTION = /^\/console\/executions\/([0-9a-f-]{36})\/?$/i;

export function App() {
  const path = usePath();
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <Sidebar path={path} />
      <main id="main" tabIndex={-1}>
        <Page path={path} />
      </main>
    </>
  );
}

function Page({ path }: { path: string }) {
  const id = EXECUTION.exec(path)?.[1];
  if (id) {
    return (
      <Suspense fallback={<p className="loading">Loading…</p>}>
        <Execution key={id} id={id} />
      </Suspense>
    );
  }
  if (path === "/console" || path === "/console/" || path.startsWith(HOME)) return <Executions />;
  return (
    <Notice title="There is no such page">
      <p>
        <Link href={HOME}>Executions</Link> is where most ways begin.
      </p>
    </Notice>
  );
}

function Sidebar({ path }: { path: string }) {
  return (
    <nav className="side" aria-label="Pages">
      <Link className="brand" href={HOME}>
        <Brand />
        <span>Pipeline Engine</span>
      </Link>
      <Link
        className="page"
        href={HOME}
        aria-current={path === HOME ? "page" : undefined}
        data-within={path.startsWith(HOME) || undefined}
      >
        <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
          <path d="M5 3.5l7 4.5-7 4.5z" />
        </svg>
        Executions
      </Link>
      <a className="page" href="/docs">
        <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
          <path d="M4 2.5h6.5L13 5v8.5H4zM6.5 7h4M6.5 10h4" />
        </svg>
        API reference
      </a>
      <Who />
    </nav>
  );
}

function Brand() {
  return (
    <svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
      <rect width="22" height="22" rx="6" fill="var(--accent)" />
      <path
        d="M6 7h4l2 4h4M6 15h4l2-4"
        stroke="var(--on-accent)"
        strokeWidth="1.8"
        fill="none"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}

function Who() {
  const { data } = useQuery({ queryKey: ["session"], queryFn: session, staleTime: 60_000 });
  return (
    <footer>
      <ThemeSwitch />
      <span className="zone" title="All times are shown in this time zone">
        {ZONE}
      </span>
      {data && (
        <div className="who">
          <span title={data.subject}>{data.subject}</span>
          <button type="button" className="plain" onClick={() => void signOut()}>
            Sign out
          </button>
        </div>
      )}
    </footer>
  );
}

const CHOICES: [Choice, string][] = [
  ["system", "Auto"],
  ["light", "Light"],
  ["dark", "Dark"],
];

function ThemeSwitch() {
  const chosen = useChoice();
  return (
    <fieldset className="switch">
      <legend className="unseen">Theme</legend>
      {CHOICES.map(([choice, word]) => (
        <label key={choice}>
          <input
            type="radio"
            name="theme"
            checked={chosen === choice}
            onChange={() => choose(choice)}
          />
          <span>{word}</span>
        </label>
      ))}
    </fieldset>
  );
}
