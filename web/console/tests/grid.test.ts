import { expect, test } from "vitest";
import { type Column, type GridStep, merged, toAsk, withSteps } from "../src/grid/columns";

const step = (step_id: string): GridStep => ({ step_id, name: step_id, revisions: [1] });
const column = (execution_id: string, status: string, created_at: string): Column => ({
  execution_id,
  status,
  created_at,
  started_at: null,
  ended_at: null,
  revision: 1,
  cells: {},
});

test("steps of older revisions stand behind the ones that they came after", () => {
  const steps = withSteps(["a", "c", "d"].map(step), ["z", "a", "b", "c"].map(step));

  expect(steps.map(({ step_id }) => step_id)).toEqual(["z", "a", "b", "c", "d"]);
});

test("what has ended stays as it is, and what is new comes first", () => {
  const done = column("1", "COMPLETED", "2026-01-01T00:00:00Z");
  const open = column("2", "RUNNING", "2026-01-02T00:00:00Z");
  const sheet = merged(
    { steps: [], columns: [open, done] },
    {
      steps: [],
      columns: [
        column("3", "PENDING", "2026-01-03T00:00:00Z"),
        column("2", "COMPLETED", "2026-01-02T00:00:00Z"),
        { ...done },
      ],
    },
  );

  expect(sheet.columns.map(({ execution_id, status }) => execution_id + status)).toEqual([
    "3PENDING",
    "2COMPLETED",
    "1COMPLETED",
  ]);
  expect(sheet.columns[2]).toBe(done);
});

test("only what is open, and a few in front of it, is asked for again", () => {
  const columns = Array.from({ length: 40 }, (_, at) =>
    column(String(at), at === 7 ? "RUNNING" : "COMPLETED", "2026-01-01T00:00:00Z"),
  );

  expect(toAsk({ steps: [], columns })).toBe(13);
  expect(toAsk({ steps: [], columns: columns.slice(8) })).toBe(5);
});
