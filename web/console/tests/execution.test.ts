import { expect, test } from "vitest";
import { parse } from "../src/api/json";
import type { DefinedStep, Execution, LogLine } from "../src/api/types";
import { again, curlAgain, isMasked } from "../src/execution/curl";
import { shareOf, written, zoomed } from "../src/execution/gantt/span";
import { found } from "../src/execution/graph/search";
import { queryOf } from "../src/execution/items";
import { before, behind, PAGE } from "../src/execution/logs/lines";
import { quoted } from "../src/parts/shell";
import { step } from "./history";

const execution = (pipeline_id: string | null, params: unknown) =>
  ({ pipeline_id, pipeline_definition: { dag: { steps: [] }, params } }) as unknown as Execution;

test("a request that is copied is one word of the shell, whatever is in the params", () => {
  const params = parse('{"say":"it\'s $HOME `id`","id":9007199254740993}');

  const written = curlAgain(again(execution("p", params)));

  expect(written).toContain(`-d '{"pipeline_id":"p","params":{"say":"it'\\''s $HOME \`id\`"`);
  expect(written).toContain("9007199254740993");
  expect(quoted("a'b")).toBe("'a'\\''b'");
});

test("what was sent along is sent along again, and what is hidden is not sent as its mask", () => {
  expect(again(execution(null, {})).path).toBe("/executions/run");
  expect(isMasked(again(execution("p", { key: "***REDACTED***" })))).toBe(true);
  expect(isMasked(again(execution("p", { key: "plain" })))).toBe(false);
});

test("a number behind # is an index, all else a part of a label", () => {
  expect(queryOf({ text: " #7341 ", state: null })).toEqual({ index: "7341" });
  expect(queryOf({ text: "№7341", state: null })).toEqual({ q: "№7341" });
});

test("what runs is queryOf for without what is parked, which has a state of its own", () => {
  expect(queryOf({ text: "", state: "RUNNING" })).toEqual({ status: "RUNNING", parked: "false" });
  expect(queryOf({ text: "", state: "PARKED" })).toEqual({ parked: "true" });
});

test("steps are found by name, state and what stands in their params, with all the words", () => {
  const steps = [
    step("load", { step_name: "Load", handler_type: "http_request", status: "COMPLETED" }),
    step("save", { step_name: "Save", handler_type: "http_request", status: "FAILED" }),
  ];
  const defined = [{ id: "save", action: "http_request", params: { url: "https://a.example/x" } }];
  const hits = (text: string) => [...(found(text, steps, defined as DefinedStep[]) ?? [])];

  expect(hits("http failed")).toEqual(["save"]);
  expect(hits("A.example")).toEqual(["save"]);
  expect(hits("load failed")).toEqual([]);
  expect(found("  ", steps, [])).toBeNull();
});

test("a stretch that is zoomed to is in the address, to the millisecond", () => {
  const whole = { from: 1_000, to: 301_000 };

  const text = written({ from: 1_250, to: 1_255 }, whole);

  expect(text).toBe("250~255");
  expect(zoomed(whole, text)).toEqual({ from: 1_250, to: 1_255 });
  expect(written(whole, whole)).toBeNull();
  expect(zoomed(whole, "9~9")).toBe(whole);
  expect(zoomed(whole, "nonsense")).toBe(whole);
  expect(shareOf(0, whole)).toBe(0);
});

const lines = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => ({ cursor: String(from + at) }) as LogLine);

test("a log is one stretch: what is let go of at an end is queryOf for again there", () => {
  let held = { lines: lines(PAGE), atStart: true, atEnd: false };
  for (let at = PAGE; at < 21_000; at += PAGE) held = behind(held, lines(PAGE, at));

  expect(held.lines).toHaveLength(20_000);
  expect(held.lines.at(-1)?.cursor).toBe("20999");
  expect(held.atStart).toBe(false);
});

test("the end of a log is where a page is not full", () => {
  const held = { lines: lines(3, 700), atStart: false, atEnd: true };

  expect(before(held, lines(PAGE, 200)).atStart).toBe(false);
  expect(before(held, lines(20, 680))).toMatchObject({ atStart: true, atEnd: true });
  expect(behind(held, []).atEnd).toBe(true);
});
