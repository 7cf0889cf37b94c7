import { expect, test } from "vitest";
import { current, type Key, register, taken, written } from "../src/keys/keys";

const press = (key: string, more = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...more,
});
const named = (keys: string): Key => ({ keys, word: keys, where: "Here", act: () => undefined });

test("keys that come one after the other are one, unless one waits too long", () => {
  const leave = register([named("g n")]);

  expect(taken(press("g"), 0)).toBeNull();
  expect(taken(press("n"), 900)?.keys).toBe("g n");
  taken(press("g"), 0);
  expect(taken(press("n"), 1_501)).toBeNull();
  leave();
});

test("Ctrl and Cmd are the same, and a letter with either is not the letter", () => {
  const leave = register([named("mod+k"), named("k")]);

  expect(taken(press("K", { ctrlKey: true }), 0)?.keys).toBe("mod+k");
  expect(taken(press("k", { metaKey: true }), 0)?.keys).toBe("mod+k");
  expect(taken(press("k"), 0)?.keys).toBe("k");
  expect(taken(press("k", { altKey: true }), 0)).toBeNull();
  leave();
});

test("a page's own key goes before everybody's, as long as the page is there", () => {
  const everywhere = { ...named("/"), word: "Search" };
  const here = { ...named("/"), word: "Find a step" };
  const leaveAll = register([everywhere]);
  const leave = register([here]);

  expect(current().map(({ word }) => word)).toEqual(["Find a step"]);
  expect(taken(press("/"), 0)).toBe(here);
  leave();
  expect(taken(press("/"), 0)).toBe(everywhere);
  leaveAll();
  expect(current()).toEqual([]);
});

test("what only says that it listens is listed, and left alone", () => {
  const leave = register([{ ...named("j"), act: null }]);

  expect(current()).toHaveLength(1);
  expect(taken(press("j"), 0)).toBeNull();
  leave();
});

test("keys are written as they stand on the keyboard", () => {
  expect(written("mod+k", false)).toEqual(["Ctrl K"]);
  expect(written("mod+k", true)).toEqual(["⌘ K"]);
  expect(written("g n", false)).toEqual(["g", "n"]);
});
