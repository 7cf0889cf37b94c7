import { expect, test } from "vitest";
import { dateAfter, hoursOf, startOfDay, wordsOfDay } from "../src/schedules/days";

const begins = (date: string, zone: string) => new Date(startOfDay(date, zone)).toISOString();
const times = (date: string, hours: number, zone: string) =>
  hoursOf({ date, hours }, zone, [] as number[], Number).map(({ time }) => time);

test("a day begins when the clocks of its zone say so, also where they have no midnight", () => {
  expect(begins("2027-03-28", "Europe/Berlin")).toBe("2027-03-27T23:00:00.000Z");
  expect(begins("2027-10-31", "Europe/Berlin")).toBe("2027-10-30T22:00:00.000Z");
  expect(begins("2027-01-01", "Asia/Kathmandu")).toBe("2026-12-31T18:15:00.000Z");
  expect(begins("2024-04-26", "Africa/Cairo")).toBe("2024-04-25T22:00:00.000Z"); // 00:00 is left out
});

test("a day has the hours that its clocks show: 23 without the lost, 25 with one twice", () => {
  const spring = times("2027-03-28", 23, "Europe/Berlin");
  const autumn = times("2027-10-31", 25, "Europe/Berlin");

  expect(spring.slice(0, 4)).toEqual(["00:00", "01:00", "03:00", "04:00"]);
  expect(spring).toHaveLength(23);
  expect(autumn.slice(0, 5)).toEqual(["00:00", "01:00", "02:00", "02:00", "03:00"]);
  expect(autumn).toHaveLength(25);
});

test("where clocks change by half an hour the last one is half as long", () => {
  const day = hoursOf({ date: "2027-04-04", hours: 24.5 }, "Australia/Lord_Howe", [], Number);

  expect(day).toHaveLength(25);
  expect(day.at(-1)?.length).toBe(0.5);
});

test("each of the two hours of one name has its own", () => {
  const first = Date.parse("2027-10-31T00:30:00Z"); // 02:30 in summer
  const second = Date.parse("2027-10-31T01:30:00Z"); // 02:30 again

  const day = hoursOf({ date: "2027-10-31", hours: 25 }, "Europe/Berlin", [first, second], Number);

  expect(day.map(({ entries }) => entries.length).slice(2, 5)).toEqual([1, 1, 0]);
});

test("days are counted by the calendar, whatever clocks do", () => {
  expect(dateAfter("2027-03-27", 2)).toBe("2027-03-29");
  expect(wordsOfDay("2027-03-28", Date.parse("2027-01-01"))).toBe("Sun 28 Mar");
  expect(wordsOfDay("2028-02-29", Date.parse("2027-01-01"))).toBe("Tue 29 Feb 2028");
});
