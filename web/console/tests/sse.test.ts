import { expect, test } from "vitest";
import { Parser } from "../src/api/sse";

test("frames are whole however they are cut on their way", () => {
  const text = "retry: 7312\n\nevent: step_started\nid: 4\ndata: {\ndata: }\n\n:\n\n";
  for (let cut = 0; cut <= text.length; cut++) {
    const parser = new Parser();

    const frames = [...parser.feed(text.slice(0, cut)), ...parser.feed(text.slice(cut))];

    expect(frames).toEqual([{ event: "step_started", data: "{\n}" }]);
    expect([parser.lastId, parser.retryMilliseconds]).toEqual(["4", 7312]);
  }
});

test("an id alone says where one is, and is no event", () => {
  const parser = new Parser();

  expect(parser.feed("id: 9\n\n")).toEqual([]);
  expect(parser.lastId).toBe("9");
});
