// What the page works out of a study: rows by run, marker order, distances, steps, trains, ticks, places.
import { afterEach, expect, test, vi } from "vitest";
import { placementOf } from "../src/bedside/places";
import { progress } from "../src/bedside/train";
import { quantityOf, typedNumber, unitOf } from "../src/format";
import { roundTicks } from "../src/late/chart";
import { fTicks, hPoints, munixPoints, rnsTrains, scanPoints } from "../src/late/items";
import { limitWords, spread, stateMark } from "../src/parts/value";
import { distanceOf } from "../src/state/edits";
import { nextOpen } from "../src/state/stepping";
import { rasterPitch } from "../src/trace/sweeppaint";
import { underElectrodes } from "../src/state/study";
import { sweepTimeMs, timebaseFor } from "../src/state/view";
import { rowsOf, type SweepRecord } from "../src/state/sweeps";
import { numbered, rowGone, rows, tableRow, tableRows, traces, wantTrace } from "../src/state/table";
import { insetPoints } from "../src/trace/inset";
import { within, type Flag } from "../src/trace/markers";
import type { Measurement, SweepText } from "../src/wire/messages";
import type { RowText, RowValue, Step } from "../src/wire/table";

afterEach(() => vi.unstubAllGlobals());

const sweep = (id: string, site: string, run: number, more: Partial<SweepText> = {}): SweepRecord => ({
  samples: null, asked: false,
  text: {
    id, nerve: "median", site, side: "left", muscle: "left APB", measure: "motor_response", row: `motor_response.left.median.${site}.APB.${run}`, run,
    current_ma: 20, included: true, gap: false, measurement: null, ...more,
  } as SweepText,
});
const at = { nerve: "median", side: "left", muscle: "left APB" };
const measurement = (items: Record<string, unknown>[], values: Record<string, number> = {}): Measurement => ({
  id: "m", measure: "x", state: "measured", reasons: [], values, markers: [], items, version: "1",
});
const value = (more: Partial<RowValue>): RowValue => ({
  quantity: "amplitude_mv", value: 3.1, unit: "mV", low: null, high: null, state: "unknown", limit: null, z: null, reasons: [], other_side: null, ...more,
});
const row = (more: Partial<RowText> = {}): RowText => ({ id: "r1", revision: 1, zero_index: 80, rate_hz: 16000, measure: "f_wave", used: ["a", "b"], ...more }) as RowText;

test("the newest run of a site is shown, and an older one when it is asked for", () => {
  const list = [sweep("a", "wrist", 1), sweep("b", "elbow", 1), sweep("c", "wrist", 2), sweep("d", "wrist", 1)];
  const ids = (wanted: string | null) => rowsOf(list, at, wanted).map((r) => r.sweeps.map((s) => s.text.id).join(""));
  expect(ids(null)).toEqual(["c", "b"]);
  expect(ids("motor_response.left.median.wrist.APB.1")).toEqual(["ad", "b"]);
});

test("a raster's row is never so low that an F-wave is lost in it", () => {
  expect(rasterPitch(170, 20)).toBe(14);
  expect(rasterPitch(400, 20)).toBe(20);
  expect(rasterPitch(400, 2)).toBe(50);
});

test("a sweep that was made longer is in view to its end; an ordinary one is seen as its step says", () => {
  expect(timebaseFor(50, 100)).toBe(5);
  expect(timebaseFor(20, null)).toBe(2);
  expect(9 * timebaseFor(100, 250)).toBeGreaterThanOrEqual(250);
  expect(9 * timebaseFor(100, 1000)).toBeGreaterThanOrEqual(1000);
});

test("the timebase follows the step, and the step's sweeps when they are made longer; what is told again moves nothing", () => {
  const f: Step = { id: "f", measure: "f_wave", nerve: "tibial", site: "ankle", side: "left", muscle: "left AH", sweep_ms: 100, record_ms: 250 };
  underElectrodes(f);
  expect(9 * sweepTimeMs.value).toBeGreaterThanOrEqual(250);
  sweepTimeMs.value = 5;
  underElectrodes({ ...f });
  expect(sweepTimeMs.value).toBe(5);
  underElectrodes({ ...f, record_ms: 500 });
  expect(9 * sweepTimeMs.value).toBeGreaterThanOrEqual(500);
});

test("sweeps of another measure at the same place are another row", () => {
  const list = [sweep("a", "wrist", 1), sweep("f", "wrist", 1, { measure: "f_wave", row: "f_wave.left.median.wrist.APB.1" })];
  expect(rowsOf(list, at).map((r) => r.key)).toEqual(["motor_response.left.median.wrist.APB.1"]);
  expect(rowsOf(list, { ...at, measure: "f_wave" }).map((r) => r.sweeps.length)).toEqual([1]);
});

test("markers are numbered onset, peak, end, whatever order they come in, and an unknown one is last", () => {
  const m = { ...measurement([]), markers: ["end", "strange", "peak", "trough", "onset"].map((name, i) => ({ name, index: i })) };
  expect(numbered(m).map((k) => k.name)).toEqual(["onset", "peak", "end"]);
  const sensory = { ...m, markers: ["initial_positive_peak", "peak", "onset", "trough"].map((name, i) => ({ name, index: i })) };
  expect(numbered(sensory).map((k) => k.name)).toEqual(["onset", "peak", "trough"]);
});

test("a marker stays one sample inside its neighbours", () => {
  const flag = (name: string, n: number, ms: number) => ({ name, number: n, ms, rateHz: 10_000, row: { key: "r" } }) as Flag;
  const all = [flag("onset", 1, 3), flag("peak", 2, 5), flag("end", 3, 9)];
  expect(within(all[1] as Flag, 100, all)).toBeCloseTo(8.9);
  expect(within(all[1] as Flag, -5, all)).toBeCloseTo(3.1);
  expect(within(all[0] as Flag, -50, all)).toBe(-50);
});

test("a distance is millimetres from 10 to 1500, empty is not measured, anything else is refused", () => {
  expect(distanceOf("225")).toBe(225);
  expect(distanceOf(" 22,5 ")).toBe(22.5);
  expect(distanceOf("")).toBeNull();
  for (const bad of ["9", "1501", "22 cm", "-80", "1e9"]) expect(distanceOf(bad), bad).toBeUndefined();
  expect(typedNumber("")).toBeNull();
});

test("the next step is the next open one, then the first open one, then none", () => {
  const steps = ["done", "open", "skipped", "open"].map((state, i) => ({ id: String(i), state })) as Step[];
  expect(nextOpen(steps, 1)?.id).toBe("3");
  expect(nextOpen(steps, 3)?.id).toBe("1");
  expect(nextOpen(steps.filter((s) => s.state !== "open"), 0)).toBeUndefined();
});

test("progress of a train is read from the service's words", () => {
  expect(progress("F-waves: 3 of 20 pulses, 0.5 Hz, 25 mA")).toEqual([3, 20]);
  expect(progress(null)).toBeNull();
});

test("the ending of a quantity names its unit", () => {
  const units = { onset_latency_ms: "ms", velocity_m_s: "m/s", area_mv_ms: "mV·ms", onset_to_peak_uv: "µV", s50_ma: "mA", h_m_ratio: "", f_m_all_percent: "%" };
  for (const [name, unit] of Object.entries(units)) expect(unitOf(quantityOf(name)), name).toBe(unit);
});

test("only abnormal and borderline carry a shape; an unverified limit says so", () => {
  const limit = { op: "min" as const, value: 4.1, unit: "mV", percentile: 3, source: "x", verified: false, table: "t" };
  expect(stateMark(value({ state: "unknown" })) + stateMark(value({ state: "normal" }))).toBe("");
  expect(stateMark(value({ state: "abnormal", limit }))).toBe("▼");
  expect(stateMark(value({ state: "abnormal", limit: { ...limit, op: "max" } }))).toBe("▲");
  expect(limitWords("amplitude_mv", limit)).toContain("≥\u00a04.1\u00a0mV (limit unverified)");
  expect(limitWords("amplitude_mv", null)).toBe("none");
  expect(spread(value({ low: 48, high: 54 }))).toBe(3);
  expect(spread(value({ low: 48 }))).toBeNull();
});

test("F latencies belong to the sweeps of the batch; A-waves and absent ones make no tick", () => {
  const items = [{ kind: "f", sweep: 1, latency_ms: 27.5 }, { kind: "f", sweep: 0 }, { kind: "a", sweep: 0, latency_ms: 20 }, { kind: "f", sweep: 9, latency_ms: 30 }];
  expect([...fTicks(row({ measurement: measurement(items) }))]).toEqual([["b", 27.5]]);
  expect(fTicks(row({ measure: "motor_response", measurement: measurement(items) })).size).toBe(0);
});

test("pictures leave out what is not as expected and show no response as none", () => {
  expect(hPoints(measurement([{ current_ma: 5, m_mv: 0, h_mv: 1 }, { current_ma: "5" }]))).toEqual([{ currentMa: 5, mMv: 0, hMv: 1 }]);
  expect(rnsTrains(measurement([{ train: 1, phase: "baseline", after_s: null, amplitude_mv: [8, 6], decrement_max_percent: 25, smooth: false }, {}]))).toMatchObject([{ largest: 25, smooth: false }]);
  expect(munixPoints(measurement([{ area_mv_ms: 10, icmuc: 90, left_out: "" }, { area_mv_ms: 0, icmuc: 1 }]))).toHaveLength(1);
  const none = { ...measurement([]), state: "absent" as const };
  const points = scanPoints([sweep("a", "wrist", 1, { measurement: measurement([], { amplitude_mv: 4 }) }), sweep("b", "wrist", 1, { measurement: none, included: false }), sweep("c", "wrist", 1)]);
  expect(points).toEqual([{ currentMa: 20, amplitudeMv: 4, absent: false, included: true }, { currentMa: 20, amplitudeMv: 0, absent: true, included: false }]);
});

test("ticks are round and lie within", () => {
  expect(roundTicks(0, 10)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(roundTicks(3, 3)).toEqual([3]);
  for (const [low, high] of [[0.7, 1.9], [19, 21], [0, 0.012]] as const) {
    const ticks = roundTicks(low, high);
    expect(ticks.length).toBeGreaterThan(1);
    for (const t of ticks) expect(t >= low - 1e-9 && t <= high + 1e-9).toBe(true);
  }
});

test("the inset puts the onset in the middle and the level before it on the middle line", () => {
  const values = Float32Array.from({ length: 400 }, (_, i) => (i < 200 ? 50 : 50 - (i - 200)));
  const points = insetPoints({ revision: 1, values, zero: 100, rateHz: 10_000 }, 10, 100).split(" ").map((p) => p.split(",").map(Number));
  expect(points[0]).toEqual([0, 48]);
  expect(points.find(([x]) => x === 84)?.[1]).toBe(48);
  expect(points.at(-1)?.[1]).toBeLessThan(48); // negative up
});

test("a row that goes takes its trace's claim with it, and a trace is asked for once per revision", async () => {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: string) => { asked.push(url); return Promise.resolve(new Response(new Float32Array([1, 2]).buffer)); });
  tableRows([row()]);
  wantTrace(row());
  wantTrace(row());
  await vi.waitFor(() => expect(traces.value.get("r1")?.values.length).toBe(2));
  expect(asked).toEqual(["/api/rows/r1/trace"]);
  tableRow(row({ revision: 2 }));
  wantTrace(row({ revision: 2 }));
  await vi.waitFor(() => expect(traces.value.get("r1")?.revision).toBe(2));
  rowGone("r1");
  expect(rows.value.size).toBe(0);
});

test("places: the cathode is distal but for F and H, the right side is the mirror image, the unknown has none", () => {
  const step: Step = { nerve: "median", site: "wrist", side: "left", muscle: "left APB", montage: { e1: "", e2: "", ground: "back of the hand" } };
  const motor = placementOf(step);
  expect(motor && motor.anode[0] < motor.cathode[0]).toBe(true);
  const late = placementOf({ ...step, measure: "f_wave" });
  expect(late && late.anode[0] > late.cathode[0]).toBe(true);
  expect(placementOf({ ...step, side: "right", muscle: "right APB" })?.mirrored).toBe(true);
  expect(placementOf({ ...step, site: "nowhere" })).toBeNull();
});
