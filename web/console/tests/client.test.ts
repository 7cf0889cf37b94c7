import { afterEach, expect, test, vi } from "vitest";
import { change, get, isStraight, type Problem, session } from "../src/api/client";
import { Once } from "../src/api/once";

const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });

/** A server that takes writes with one CSRF token only, and tells it. */
function server(csrf: string, subject = "ada") {
  const asked: string[] = [];
  vi.stubGlobal(
    "fetch",
    async (address: string, { method = "GET", headers = {} } = {} as never) => {
      asked.push(`${method} ${address}`);
      if (address === "/console/session") return json({ subject, csrf_token: csrf });
      if (method === "GET") return json({ at: address });
      const given = (headers as Record<string, string>)["X-CSRF-Token"];
      return given === csrf ? json({ done: true }) : json({ code: "csrf_failed" }, 403);
    },
  );
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

test("what is written before one knows who is signed in waits for that", async () => {
  const asked = server("first");

  await change("POST", "/validate", {});

  expect(asked).toEqual(["GET /console/session", "POST /api/v1/validate"]);
});

test("whoever has signed in anew in another tab writes on in this one", async () => {
  server("first");
  await session();
  const asked = server("second");

  expect((await change("PUT", "/pipelines/7", {})).value).toEqual({ done: true });
  expect(asked.filter((one) => one.startsWith("PUT"))).toHaveLength(2);
});

test("nothing is done in the name of somebody else who has signed in", async () => {
  server("first");
  await session();
  const asked = server("second", "bob");

  await expect(change("PUT", "/pipelines/7", {})).rejects.toThrow("bob has signed in meanwhile");
  expect(asked.filter((one) => one.startsWith("PUT"))).toHaveLength(1);
});

test("an id that leads elsewhere is asked nowhere", async () => {
  const asked = server("first");
  const odd = ["../../whoami", "..%2Fwhoami/../..", "%2e%2e/%2e%2e/whoami", "..\\..", "a\tb", "."];
  for (const id of odd) {
    await expect(get(`/executions/${id}/progress`)).rejects.toMatchObject({
      status: 404,
    } satisfies Partial<Problem>);
  }
  expect(asked).toEqual([]);
  expect(isStraight("/api/v1/pipelines/a%20b%2F..?q=../x")).toBe(true);
});

test("what is sent again because no answer came has the same key, and what was changed another", async () => {
  const keys: unknown[] = [];
  vi.stubGlobal("fetch", async (_: string, { headers }: { headers: Record<string, string> }) => {
    keys.push(headers["Idempotency-Key"]);
    if (keys.length === 1) throw new TypeError("cut off");
    return json({ execution_id: "7" });
  });
  const once = new Once();

  await expect(once.post("/executions", { params: {} })).rejects.toThrow("cannot be reached");
  await once.post("/executions", { params: {} });
  await once.post("/executions", { params: { a: 1 } });

  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
});
