// Ctrl+Z goes back by a new edit, says what it undid, and never on what somebody else changed since.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { actionFor, type KeyPress } from "../src/keys";
import { include } from "../src/state/actions";
import { placeMarker, resetMarker, settleAll } from "../src/state/edits";
import { lastEvent } from "../src/state/events";
import { studyId } from "../src/state/study";
import { addSweep, sweeps } from "../src/state/sweeps";
import { rows, tableRow, tableRows } from "../src/state/table";
import { redo, undo } from "../src/state/undo";
import type { SweepText } from "../src/wire/messages";
import type { RowText } from "../src/wire/table";

const AUTOMATIC = 132;
const row = (index: number, by: string, revision: number): RowText => ({
  id: "r", revision, nerve: "median", site: "wrist", zero_index: 100, rate_hz: 10_000,
  measurement: { id: `m${revision}`, measure: "motor_response", state: "measured", reasons: [], values: {}, version: "1", markers: [{ name: "onset", index, automatic_index: AUTOMATIC, by }] },
}) as unknown as RowText;
const record = () => sweeps.value[0] as (typeof sweeps.value)[number];
let sent: [string, Record<string, unknown>][] = [];

/** The service: a marker where it was put, a sweep as it was said; the answer is the row. */
function served(url: string, init: { body: string }): Promise<Response> {
  const body = JSON.parse(init.body) as Record<string, unknown>;
  const what = url.replace(/^.*api\//, "");
  sent.push([what, body]);
  const revision = (rows.value.get("r")?.revision ?? 0) + 1;
  if (what === "rows/r/markers") tableRow(row(100 + 10 * (body["latency_ms"] as number), "AB", revision));
  if (what === "rows/r/markers/reset") tableRow(row(AUTOMATIC, "automatic", revision));
  if (what === "sweeps/s") addSweep({ ...record().text, included: body["included"] as boolean });
  return Promise.resolve(new Response(JSON.stringify(what.startsWith("rows") ? rows.value.get("r") : record().text)));
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", served);
  sent = [];
  studyId.value = `study ${Math.random()}`;
  tableRows([row(AUTOMATIC, "automatic", 1)]);
  sweeps.value = [];
  addSweep({ id: "s", number: 7, site: "wrist", included: true } as SweepText);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function move(ms: number): Promise<void> {
  placeMarker("r", "onset", ms);
  await vi.advanceTimersByTimeAsync(200);
}

test("a moved marker goes back to automatic by a new edit, and there again", async () => {
  await move(4);
  await undo();
  expect(sent.map(([what]) => what)).toEqual(["rows/r/markers", "rows/r/markers/reset"]);
  expect(lastEvent.value?.sentence).toMatch(/^undone: onset of median wrist back to automatic, 3\.20.ms instead of 4\.00.ms/);
  await redo();
  expect(sent.at(-1)).toEqual(["rows/r/markers", { name: "onset", latency_ms: 4 }]);
});

test("a second move goes back to the first, and a reset to what stood by hand", async () => {
  await move(4);
  await move(5);
  await undo();
  expect(sent.at(-1)).toEqual(["rows/r/markers", { name: "onset", latency_ms: 4 }]);
  await resetMarker("r", "onset");
  await undo();
  expect(sent.at(-1)).toEqual(["rows/r/markers", { name: "onset", latency_ms: 4 }]);
});

test("a marker that was just let go is the one that goes back", async () => {
  await move(4);
  placeMarker("r", "onset", 5);
  await settleAll();
  await undo();
  expect(sent.map(([, body]) => body["latency_ms"])).toEqual([4, 5, 4]);
});

test("an excluded sweep counts again, and is said", async () => {
  await include(record(), false);
  await undo();
  expect(sent.map(([, body]) => body)).toEqual([{ included: false }, { included: true }]);
  expect(lastEvent.value?.sentence).toContain("sweep 7, wrist, counted again");
});

test("what somebody moved since is not undone, nor what was done in another study", async () => {
  await move(4);
  tableRow(row(180, "KS", 9));
  await undo();
  expect(sent).toHaveLength(1);
  expect(lastEvent.value?.sentence).toContain("changed since");
  await move(5);
  studyId.value = "another";
  await undo();
  expect(sent).toHaveLength(2);
  expect(lastEvent.value?.sentence).toContain("nothing to undo");
});

test("a refused way back can be tried again", async () => {
  await include(record(), false);
  vi.stubGlobal("fetch", () => Promise.reject(new Error("no network")));
  await undo();
  vi.stubGlobal("fetch", served);
  await undo();
  expect(sent.at(-1)).toEqual(["sweeps/s", { included: true }]);
});

test("Ctrl+Z is this page's but in a text field, where it is the browser's", () => {
  const press = (more: Partial<KeyPress>): KeyPress => ({ key: "z", shiftKey: false, ctrlKey: true, altKey: false, metaKey: false, repeat: false, ...more });
  expect(actionFor(press({}), "page")).toBe("undo");
  expect(actionFor(press({ key: "Z", shiftKey: true }), "button")).toBe("redo");
  expect(actionFor(press({}), "field")).toBeNull();
  expect(actionFor(press({ repeat: true }), "page")).toBeNull();
});

test("a key that comes before the service's answer waits for it", async () => {
  let answer: () => void = () => undefined;
  const held = new Promise<void>((go) => { answer = go; });
  vi.stubGlobal("fetch", async (url: string, init: { body: string }) => {
    const reply = await served(url, init); // the page has seen the new state already
    if (sent.length === 1) await held;
    return reply;
  });
  const excluded = include(record(), false);
  await vi.advanceTimersByTimeAsync(0);
  expect(record().text.included).toBe(false);
  const undone = undo();
  answer();
  await Promise.all([excluded, undone]);
  expect(sent.map(([, body]) => body["included"])).toEqual([false, true]);
});
