/** Every page: where it is, what the sidebar calls it, and the code that it needs. */

import type { ComponentType, LazyExoticComponent } from "react";
import {
  ACTIONS,
  EXECUTIONS,
  GUARDRAILS,
  HOME,
  NEW_PIPELINE,
  PARKED,
  PIPELINES,
  SCHEDULES,
  SUBSCRIPTIONS,
  SYSTEM,
  TRIGGER,
  WEBHOOKS,
} from "./addresses";
import type { PageIconName } from "./parts/PageIcon";
import { part } from "./parts/part";

/** What stands at the `:name` parts of a path. */
export type Places = Readonly<Record<string, string>>;
/** A page takes what it needs of its address's places as props. */
// biome-ignore lint/suspicious/noExplicitAny: each page knows its own places
type AnyPage = ComponentType<any>;

export interface Page {
  path: string;
  component: LazyExoticComponent<AnyPage>;
  /** A page without a word in the sidebar is reached from others. */
  word?: string;
  icon?: PageIconName;
}

/** The first is where one lands; the sidebar has them in this order. */
export const PAGES: Page[] = [
  {
    path: HOME,
    word: "Now",
    icon: "now",
    component: part(() => import("./now/Now")),
  },
  {
    path: PIPELINES,
    word: "Pipelines",
    icon: "pipelines",
    component: part(() => import("./pipelines/Pipelines")),
  },
  {
    // Before the page that any other word leads to.
    path: NEW_PIPELINE,
    component: part(() => import("./editor/New")),
  },
  {
    path: `${PIPELINES}/:id`,
    component: part(() => import("./pipeline/Pipeline")),
  },
  {
    path: `${PIPELINES}/:id/grid`,
    component: part(() => import("./grid/Grid")),
  },
  {
    path: `${PIPELINES}/:id/edit`,
    component: part(() => import("./editor/Editor")),
  },
  {
    path: EXECUTIONS,
    word: "Executions",
    icon: "play",
    component: part(() => import("./executions/Executions")),
  },
  {
    path: `${EXECUTIONS}/:id`,
    component: part(() => import("./execution/Execution")),
  },
  {
    path: PARKED,
    word: "Parked",
    icon: "parked",
    component: part(() => import("./parked/Parked")),
  },
  {
    path: SCHEDULES,
    word: "Schedules",
    icon: "calendar",
    component: part(() => import("./schedules/Schedules")),
  },
  {
    path: `${SCHEDULES}/:id`,
    component: part(() => import("./schedules/Schedule")),
  },
  {
    path: WEBHOOKS,
    word: "Webhooks & triggers",
    icon: "hook",
    component: part(() => import("./webhooks/Webhooks")),
  },
  {
    path: `${WEBHOOKS}/:id`,
    component: part(() => import("./webhooks/Webhook")),
  },
  {
    path: `${TRIGGER}/:id`,
    component: part(() => import("./triggers/Trigger")),
  },
  {
    path: SUBSCRIPTIONS,
    word: "Subscriptions",
    icon: "send",
    component: part(() => import("./subscriptions/Subscriptions")),
  },
  {
    path: `${SUBSCRIPTIONS}/:id`,
    component: part(() => import("./subscriptions/Subscription")),
  },
  {
    path: ACTIONS,
    word: "Actions",
    icon: "actions",
    component: part(() => import("./actions/Actions")),
  },
  {
    path: `${ACTIONS}/:type`,
    component: part(() => import("./actions/Action")),
  },
  {
    path: GUARDRAILS,
    word: "Guardrails",
    icon: "shield",
    component: part(() => import("./guardrails/Guardrails")),
  },
  {
    path: `${GUARDRAILS}/new`,
    component: part(() => import("./guardrails/Workflow")),
  },
  {
    path: `${GUARDRAILS}/:id`,
    component: part(() => import("./guardrails/Workflow")),
  },
  {
    path: SYSTEM,
    word: "System",
    icon: "system",
    component: part(() => import("./system/System")),
  },
];

const IDENTIFIER = "([^/]+)";
const patterns = PAGES.map(({ path }) => {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name as string);
  return { names, pattern: new RegExp(`^${path.replace(/:\w+/g, IDENTIFIER)}/?$`) };
});

/** The page at an address, with what stands in its places; null if there is none. */
export function pageAt(path: string): { page: Page; places: Places } | null {
  for (const [index, { names, pattern }] of patterns.entries()) {
    const found = pattern.exec(path);
    const page = PAGES[index];
    if (!found || !page) continue;
    const places = names.map((name, at) => [name, decoded(found[at + 1] ?? "")]);
    return { page, places: Object.fromEntries(places) };
  }
  return null;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
