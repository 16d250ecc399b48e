// Where sweeps were taken and how: hunting, correction, flexion and exercise, a study looked at.
import { afterEach, expect, test, vi } from "vitest";
import { BINDINGS } from "../src/keys";
import { editWords } from "../src/review/edits";
import { cut, editsOf, moveReview, review, reviewRow } from "../src/state/review";
import { chosenRow, halves, tableRows, wantHalves } from "../src/state/table";
import { rowHere } from "../src/state/shown";
import { widened, widthsOf } from "../src/state/actions";
import { apply } from "../src/state/study";
import { addSamples, hunted, sweeps } from "../src/state/sweeps";
import { columnsOf, DERIVED } from "../src/table/columns";
import { conditionsOf } from "../src/table/condition";
import { changes, movedLines, movedWords, rowIdAt } from "../src/table/correct";
import { hintsOf, rowWords } from "../src/table/detail";
import { artefactOf } from "../src/table/results";
import { huntRows, largest, sizeOf } from "../src/trace/hunt";
import type { Frame } from "../src/wire/frames";
import type { Measurement, StimulatorState, SweepText, Text } from "../src/wire/messages";
import type { Edit, Reviewed, RowText } from "../src/wire/table";

afterEach(() => vi.unstubAllGlobals());

const place = { measure: "motor_response", nerve: "median", site: "wrist", side: "left", muscle: "left APB" };
const row = (more: Partial<RowText> = {}): RowText => ({ id: "r", step: "s", revision: 1, run: 1, used: [], sweeps: [], ...place, ...more }) as RowText;
const measured = (values: Record<string, number>): Measurement => ({ id: "m", measure: "x", state: "measured", reasons: [], values, markers: [], version: "1" });
const shock = (number: number, mv: number, more: Partial<SweepText> = {}): Text => ({
  type: "sweep", id: `w${number}`, number, ...place, channel: "left APB", channels: ["left APB"], rate_hz: 1000, zero_index: 0, count: 2, gap: false, included: true,
  current_ma: 10, measurement: measured({ amplitude_mv: mv }), average: null, ...more,
} as unknown as Text);
const stimulator = (hunting: boolean): Text => ({ type: "stimulator", state: "armed", current_ma: 10, width_us: 200, expires_in_s: 50, sentence: "", ceiling_ma: 50, hunting } as unknown as Text & StimulatorState);

test("what is given while hunting is drawn and is no sweep of the study; its end forgets it", () => {
  apply(stimulator(true));
  expect(huntRows.value).toEqual([]);
  apply(shock(1, 2, { hunting: true, row: null }));
  apply(shock(2, 1, { hunting: true, row: null }));
  addSamples({ kind: "sweep", view: 2, count: 2, channels: 1, data: Float32Array.from([1, 2]) } as unknown as Frame);
  expect(sweeps.value).toEqual([]);
  expect(huntRows.value?.[0]?.sweeps.map((s) => [s.text.id, s.samples?.[1]])).toEqual([["w1", undefined], ["w2", 2]]);
  expect(largest(hunted.value)?.text.id).toBe("w1");
  apply(stimulator(false));
  expect([huntRows.value, hunted.value]).toEqual([null, []]);
});

test("a wider pulse starts at the same charge, a narrower one at the same current", () => {
  expect(widened({ current_ma: 40, width_us: 200 }, 1000)).toBe(8);
  expect(widened({ current_ma: 33, width_us: 200 }, 500)).toBe(13);
  expect(widened({ current_ma: 40, width_us: 1000 }, 200)).toBe(40);
});

test("no pulse is offered that the limits forbid, and the one that is set is in the list", () => {
  expect(widthsOf({ width_us: 150, longest_us: 300 })).toEqual([50, 100, 150, 200, 300]);
});

test("the size of a place is the response's own, and none where nothing was measured", () => {
  expect(sizeOf(measured({ onset_to_peak_uv: 12 }))).toEqual(["onset_to_peak_uv", 12]);
  expect(sizeOf({ ...measured({ amplitude_mv: 1 }), state: "absent" })).toBeNull();
  expect(sizeOf(null)).toBeNull();
});

test("a correction tells what is other than it was, and a muscle of the other side takes the side with it", () => {
  expect(changes(place, place)).toEqual({});
  expect(changes(place, { ...place, site: "elbow" })).toEqual({ site: "elbow" });
  expect(changes(place, { ...place, muscle: "right APB" })).toEqual({ muscle: "right APB", side: "right" });
  expect(rowIdAt(row(), { muscle: "right median D2", side: "right" })).toBe("motor_response.right.median.wrist.median_D2.1");
});

test("a sweep that was moved says what it was and who moved it", () => {
  const text = { corrected: { from: { ...place, site: "below_elbow" }, by: "KS", at_utc: "2026-01-01T10:00:00Z" } } as SweepText;
  expect(movedWords(text)).toMatch(/^was left median, below elbow, APB until KS \d\d:\d\d:\d\d$/);
  expect(movedWords({ corrected: null } as SweepText)).toBe("");
  const later = { corrected: { ...text.corrected, at_utc: "2026-01-01T10:00:02Z" } } as SweepText;
  expect(movedLines([text, { corrected: null } as SweepText, later])).toEqual([movedWords(later)]);
});

test("flexion is asked for where the ulnar nerve crosses the elbow, exercise of responses and trains", () => {
  expect(conditionsOf(row({ nerve: "ulnar", site: "elbow" }))).toEqual(["flexion_deg", "after_exercise_s"]);
  expect(conditionsOf(row({ measure: "rns" }))).toEqual(["after_exercise_s"]);
  expect(conditionsOf(row({ measure: "f_wave" }))).toEqual([]);
  expect(conditionsOf(row({ derived: true }))).toEqual([]);
});

test("a row made of rows is the row at hand without any sweep, and has columns of its own", () => {
  const made = row({ id: "split_hand.left.median_ulnar.wrist.hand.1", measure: "split_hand", derived: true });
  tableRows([made]);
  chosenRow.value = made.id;
  expect(rowHere.value).toBe(made);
  chosenRow.value = null;
  for (const measure of DERIVED) expect(columnsOf(measure).length, measure).toBeGreaterThan(0);
  expect(rowWords("motor_response.left.median.below_elbow.APB.2")).toBe("left median motor, below elbow, APB, run 2");
});

test("a reason that stands in the place of the numbers is not said again below them", () => {
  const said = row({ hints: ["no F-wave window", "measure the distance"], measurement: { ...measured({}), state: "not_assessable", reasons: ["no F-wave window"] } });
  expect(hintsOf(said, true)).toEqual(["measure the distance"]);
  expect(hintsOf({ ...said, measurement: measured({}) }, false)).toHaveLength(2);
});

test("a sweep that artefact rejection leaves out says why; one that is in does not", () => {
  const line = row({ rejected: [{ sweep: "w3", why: "artefact: 9.1 times as far from the others as usual" }] });
  expect(artefactOf(line, "w3")).toContain("9.1 times");
  expect([artefactOf(line, "w1"), artefactOf(null, "w3")]).toEqual([null, null]);
});

test("halves are asked for once a revision; one sweep has none", async () => {
  const asked = vi.fn(() => Promise.resolve(new Response(Float32Array.from([1, 2, 3, 4]).buffer)));
  vi.stubGlobal("fetch", asked);
  wantHalves(row({ id: "h1", used: ["a"] }));
  expect(halves.value.get("h1")).toBeNull();
  wantHalves(row({ id: "h2", used: ["a", "b"] }));
  wantHalves(row({ id: "h2", used: ["a", "b"] }));
  await vi.waitFor(() => expect([...(halves.value.get("h2")?.even ?? [])]).toEqual([3, 4]));
  expect(asked).toHaveBeenCalledTimes(1);
});

test("the answer for a row looked at is its average and then each sweep", () => {
  const told = cut(Float32Array.from([1, 2, 3, 4, 5, 6]), 2);
  expect([[...told.average], ...told.sweeps.map((s) => [...s])]).toEqual([[1, 2], [3, 4], [5, 6]]);
});

test("rows of a study looked at are gone through, and each has its own changes and those of its sweeps", () => {
  review.value = { rows: [row({ id: "a" }), row({ id: "b" })] } as Reviewed;
  reviewRow.value = "b";
  moveReview(1);
  expect(reviewRow.value).toBe("a");
  const edit = (target: string) => ({ target }) as Edit;
  expect(editsOf([edit("a"), edit("w1"), edit("other")], row({ id: "a", sweeps: ["w1"] })).length).toBe(2);
});

test("every change is said in words, with its number and unit", () => {
  const words = (what: string, to: unknown, target = "motor_response.left.median.elbow.APB.1") => editWords({ id: 1, at_utc: "", by: "KS", what, target, from: null, to });
  expect(words("distance", { mm: 225 })).toBe("entered 225\u00a0mm for left median motor, elbow, APB");
  expect(words("marker", { name: "onset", latency_ms: 3.1 })).toContain("onset of left median motor, elbow, APB to 3.10\u00a0ms");
  expect(words("condition", { flexion_deg: 90, after_exercise_s: null })).toContain("flexion deg 90\u00a0°".replace("flexion deg ", ""));
  expect(words("correction", { site: "axilla" }, "w1")).toBe("moved a sweep to site axilla");
  expect(words("correction", { site: "axilla", sweeps: ["w1", "w2"] }, "motor_response.left.median.elbow.APB.1")).toBe("moved 2 sweeps to site axilla");
  expect(words("study", "closed", "s1")).toBe("closed the study");
  expect(words("something_new", null)).toBe("something new");
});

test("no key does two things", () => {
  const keys = BINDINGS.flatMap((b) => b.keys);
  expect(new Set(keys).size).toBe(keys.length);
});
