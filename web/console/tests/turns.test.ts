import { expect, test } from "vitest";
import { Turns } from "../src/execution/turns";

test("an answer that was overtaken by another question is let go of", async () => {
  const turns = new Turns();
  const heard: string[] = [];
  const waiting: ((answer: string) => void)[] = [];
  const ask = () =>
    turns.ask(
      () => new Promise<string>((resolve) => waiting.push(resolve)),
      (answer) => heard.push(answer),
      () => undefined,
    );

  const slow = ask();
  void ask(); // one at a time
  turns.begin();
  const quick = ask();
  waiting[1]?.("new");
  await quick;
  waiting[0]?.("old");
  await slow;

  expect(heard).toEqual(["new"]);
  expect(waiting).toHaveLength(2);
});
