import { afterEach, expect, test, vi } from "vitest";
import { hear, serverNow, whenSet } from "../src/api/clock";

const DAY = 24 * 3_600_000;
const at = (moment: number) => new Date(moment).toUTCString();

afterEach(() => hear(at(Date.now()), Date.now()));

test("a clock that is wrong by a day is put right by the server's, and said once", () => {
  const told = vi.fn();
  const stop = whenSet(told);

  for (const wrong of [DAY, -DAY]) {
    hear(at(Date.now() + wrong), Date.now());
    hear(at(Date.now() + wrong), Date.now());
    expect(Math.abs(serverNow() - Date.now() - wrong)).toBeLessThan(2_000);
  }
  expect(told).toHaveBeenCalledTimes(2);
  stop();
});

test("the seconds of an answer, one that slept on its way, and none at all change nothing", () => {
  for (const [date, asked] of [
    [at(Date.now() - 3_000), Date.now()],
    [at(Date.now() - DAY), Date.now() - DAY],
    [null, Date.now()],
    ["soon", Date.now()],
  ] as const) {
    hear(date, asked);
    expect(Math.abs(serverNow() - Date.now())).toBeLessThan(100);
  }
});
