import { expect, test } from "vitest";
import type { ApprovalList, Parked } from "../src/api/types";
import { inWords } from "../src/approvals/decided";
import {
  askedOf,
  countOf,
  hrefOf,
  placeOf,
  sayKey,
  waitingOf,
  whomOf,
} from "../src/approvals/waiting";
import { filtersOf, requestOf } from "../src/parked/filters";

const at = "2026-11-28T10:00:00+00:00";
const place = {
  execution_id: "e",
  step_execution_id: "7",
  step_id: "pay",
  item_index: 3,
  within: "each[3]",
};
const asked = { users: ["ada"], groups: ["ops"], required: 2 };
const decision = { by: "grace", approved: true, comment: null, at };
const approval = { message: "Pay?", asked, decisions: [decision], deadline: at, page_url: "" };
const parked = { ...place, kind: "approval", item_key: "Köln", approval } as unknown as Parked;
const listed = {
  ...place,
  ...approval,
  execution_is_readable: true,
  since: at,
} as unknown as ApprovalList["approvals"][number];

test("a step is the same one in both lists, so that an answer is not asked for twice", () => {
  expect(askedOf(listed).key).toBe(waitingOf(parked).key);
  expect(askedOf(listed).approval).toEqual(waitingOf(parked).approval);
});

test("somebody's decision makes it another question, which may be answered anew", () => {
  const before = waitingOf({ ...parked, approval: { ...approval, decisions: [] } });

  expect(sayKey(before)).not.toBe(sayKey(waitingOf(parked)));
});

test("a row leads to its step, but not into an execution that one may not read", () => {
  expect(hrefOf(askedOf(listed))).toBe("/console/executions/e?step=7");
  expect(hrefOf(askedOf({ ...listed, execution_is_readable: false }))).toBeNull();
});

test("whoever is late is told who has decided, also about an item, and what nobody said", () => {
  const said = { approved: true, by: "ada" };
  expect(inWords({ outputs: said, end_time: at })).toMatch(/^approved by ada at \d\d:\d\d:00$/);
  expect(inWords({ outputs: { approved: false, expired: true }, end_time: null })).toBe(
    "rejected by time, as nobody answered",
  );
  expect(inWords({ outputs: null, end_time: null })).toBeNull();
});

test("words say where it is, who is asked, and how many have said yes", () => {
  const waiting = waitingOf(parked);

  expect(placeOf(waiting)).toBe("each[3]/pay · item 3 (Köln)");
  expect(whomOf(approval)).toBe("ada or a member of ops");
  expect(whomOf({ ...approval, asked: { ...asked, users: [], groups: [] } })).toBeNull();
  expect(countOf(approval)).toEqual({ yes: 1, required: 2 });
});

test("all approvals are asked for, also those of others; of one pipeline only the own", () => {
  const read = (query: string) => requestOf(filtersOf(new URLSearchParams(query)));
  const id = "01a220f2-31ea-756b-978d-e6a23ec7b2e6";

  expect(read("kind=approval")).toBe("/approvals?page=1&page_size=50");
  expect(read(`kind=approval&pipeline=${id}`)).toContain("/parked?");
  expect(read("kind=happy&page=-1&pipeline=<b>")).toBe("/parked?page=1&page_size=50");
});
