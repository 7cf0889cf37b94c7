/** The frame of all pages: where one is, who one is, and what the time is here. */

import { useQuery } from "@tanstack/react-query";
import { Suspense, useEffect, useState } from "react";
import { HOME, PARKED } from "./addresses";
import { session, signOut } from "./api/client";
import { ApprovalsBadge } from "./approvals/ApprovalsBadge";
import { Keys } from "./keys/Keys";
import { PAGES, type Page, pageAt } from "./pages";
import { inWords } from "./parts/act";
import { Announcements, announce } from "./parts/announce";
import { Boundary } from "./parts/Boundary";
import { Notice } from "./parts/Notice";
import { PageIcon } from "./parts/PageIcon";
import { go, Link, usePath } from "./router";
import { Ended } from "./session/Ended";
import { type Choice, choose, useChoice } from "./theme/theme";
import { ZONE } from "./time";

export function App() {
  const path = usePath();
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <Sidebar path={path} />
      <main id="main" tabIndex={-1}>
        <Ended />
        <CurrentPage path={path} />
      </main>
      <Announcements />
    </>
  );
}

function CurrentPage({ path }: { path: string }) {
  const atHome = path === "/console" || path === "/console/";
  useEffect(() => {
    if (atHome) go(HOME + location.search, { replace: true });
  }, [atHome]);
  const found = pageAt(path);
  if (found) {
    const Component = found.page.component;
    return (
      <Boundary key={path} alone>
        <Suspense fallback={<p className="loading">Loading…</p>}>
          <Component key={path} {...found.places} />
        </Suspense>
      </Boundary>
    );
  }
  if (atHome) return null;
  return (
    <Notice title="There is no such page">
      <p>
        <Link href={HOME}>{PAGES[0]?.word}</Link> is where most ways begin.
      </p>
    </Notice>
  );
}

function Sidebar({ path }: { path: string }) {
  const [open, setOpen] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes the menu
  useEffect(() => setOpen(false), [path]);
  return (
    <nav className="side" aria-label="Pages" data-open={open || undefined}>
      <Link className="brand" href={HOME}>
        <Brand />
        <span>Pipeline Engine</span>
      </Link>
      <button
        type="button"
        className="menu"
        aria-expanded={open}
        aria-controls="pages"
        onClick={() => setOpen(!open)}
      >
        <PageIcon name="menu" /> Menu
      </button>
      <div className="side-pages" id="pages">
        <Keys />
        {PAGES.map((page) => page.word && <PageLink key={page.path} page={page} path={path} />)}
        <a className="page" href="/docs">
          <PageIcon name="book" />
          API reference
        </a>
        <Who />
      </div>
    </nav>
  );
}

function PageLink({ page, path }: { page: Page; path: string }) {
  const within = path === page.path || path.startsWith(`${page.path}/`);
  return (
    <Link
      className="page"
      href={page.path}
      aria-current={path === page.path ? "page" : undefined}
      data-within={within || undefined}
    >
      {page.icon && <PageIcon name={page.icon} />}
      {page.word}
      {page.path === PARKED && <ApprovalsBadge />}
    </Link>
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
      <span title="All times are shown in this time zone">{ZONE}</span>
      {data && (
        <div className="who">
          <span title={data.subject}>{data.subject}</span>
          <button type="button" className="plain" onClick={() => signOut().catch(tell)}>
            Sign out
          </button>
        </div>
      )}
    </footer>
  );
}

const tell = (error: Error) => announce(inWords(error), { failed: true });

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
