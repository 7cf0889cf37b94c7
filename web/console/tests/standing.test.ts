import { expect, test } from "vitest";
import { parse } from "../src/api/json";
import type { EventTrigger, Webhook } from "../src/api/types";
import { linesOf, numberOf, objectOf, typedOf } from "../src/parts/lines";
import { changed } from "../src/parts/save";
import * as trigger from "../src/triggers/form";
import * as webhook from "../src/webhooks/form";

test("an object is read with its big numbers, and what is none says where", () => {
  const read = objectOf('{"id": 9007199254740993}');

  expect("value" in read && String(read.value?.id)).toBe("9007199254740993");
  expect(objectOf("")).toEqual({ value: null });
  expect(objectOf("[1]")).toHaveProperty("problem");
  expect(objectOf('{"a":\n 1,}')).toMatchObject({ problem: expect.stringContaining("Line 2") });
});

test("lines and numbers are what one means by them", () => {
  expect(linesOf(" 192.0.2.0/24 \n\n2001:db8::/32\n")).toEqual(["192.0.2.0/24", "2001:db8::/32"]);
  expect([numberOf(" 20 "), numberOf("0.5"), numberOf(""), numberOf("soon")]).toEqual([
    20,
    0.5,
    null,
    "soon",
  ]);
  expect(typedOf(parse("30.0"))).toBe("30");
});

const hook = parse(`{"pipeline_id": "p", "name": "n", "description": null, "params": {"a": 1.0},
  "config": {"require_secret": true, "accepts": ["hub"], "allowed_ips": null, "map": {"v": "{{ body }}"},
  "headers_to_include": [], "dedupe_key": null, "repeat_seconds": null, "max_per_minute": 60}}`) as Webhook;

test("a webhook whose form is saved untouched is not changed", () => {
  const form = webhook.formOf(hook);

  expect(changed(webhook.bodyOf(form), webhook.bodyOf(form))).toEqual({});
  expect(changed(webhook.bodyOf(form), webhook.bodyOf({ ...form, map: "" }))).toMatchObject({
    config: { map: null, accepts: ["hub"], max_per_minute: 60 },
  });
  expect(webhook.mapProblem({ ...form, map: "{" })).not.toBeNull();
});

const onPush = parse(`{"pipeline_id": "p", "name": "n", "description": "", "params": {},
  "config": {"event_type": "git.push", "filters": {"ref": "main"}, "condition": null,
  "dedupe_key": null, "dedupe_seconds": null, "quiet_seconds": 30.0, "max_wait_seconds": null}}`) as EventTrigger;

test("an event trigger keeps its filters, and its seconds without an empty fraction", () => {
  const form = trigger.formOf(onPush);

  expect(form.quiet_seconds).toBe("30");
  expect(trigger.bodyOf(form).config).toMatchObject({
    filters: { ref: "main" },
    quiet_seconds: 30,
    max_wait_seconds: null,
  });
  expect(trigger.filtersProblem({ ...form, filters: "ref=main" })).not.toBeNull();
});
