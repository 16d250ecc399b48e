// The rows of the table as the service tells them, and the averages that their markers stand on.
import { computed, signal } from "@preact/signals";
import { samples as fetchSamples } from "../wire/api";
import type { Measurement } from "../wire/messages";
import type { RowText, RowValue } from "../wire/table";

export const rows = signal<ReadonlyMap<string, RowText>>(new Map());
/** A row looked at; null: the rows of the step under the electrodes. */
export const chosenRow = signal<string | null>(null);

export interface Trace { revision: number; values: Float32Array; zero: number; rateHz: number }
export const traces = signal<ReadonlyMap<string, Trace>>(new Map());
const asked = new Map<string, number>();

export function tableRows(told: readonly RowText[]): void {
  rows.value = new Map(told.map((row) => [row.id, row]));
  traces.value = new Map();
  halves.value = new Map();
  asked.clear();
  halvesAsked.clear();
  if (chosenRow.value !== null && !rows.value.has(chosenRow.value)) chosenRow.value = null;
}

export function tableRow(row: RowText): void {
  rows.value = new Map(rows.value).set(row.id, row);
}

export function rowGone(id: string): void {
  rows.value = new Map([...rows.value].filter(([key]) => key !== id));
  if (chosenRow.value === id) chosenRow.value = null;
}

/** Ask for the average of a row that is on the screen, once per revision; the newest answer stays. */
export function wantTrace(row: RowText): void {
  if ((asked.get(row.id) ?? -1) >= row.revision) return;
  asked.set(row.id, row.revision);
  const { id, revision, zero_index: zero, rate_hz: rateHz } = row;
  fetchSamples(`rows/${encodeURIComponent(id)}/trace`).then(
    (values) => {
      if ((traces.value.get(id)?.revision ?? -1) < revision) traces.value = new Map(traces.value).set(id, { revision, values, zero, rateHz });
    },
    // asked again with the next revision; until then the newest sweep is drawn
    () => { asked.delete(id); },
  );
}

/** Odd and even halves of an average, once asked for; one sweep has none. */
export interface Halves { revision: number; odd: Float32Array; even: Float32Array }
export const halves = signal<ReadonlyMap<string, Halves | null>>(new Map());
const halvesAsked = new Map<string, number>();

export function wantHalves(row: RowText): void {
  if (row.derived || (halvesAsked.get(row.id) ?? -1) >= row.revision) return;
  halvesAsked.set(row.id, row.revision);
  const { id, revision } = row;
  const keep = (told: Halves | null) => { if (halvesAsked.get(id) === revision) halves.value = new Map(halves.value).set(id, told); };
  if (row.used.length < 2) return keep(null);
  fetchSamples(`rows/${encodeURIComponent(id)}/halves`).then(
    (values) => keep({ revision, odd: values.subarray(0, values.length / 2), even: values.subarray(values.length / 2) }),
    () => { halvesAsked.delete(id); },
  );
}

/** Marker names in the order of their numbers: 1 onset, 2 peak, 3 end; what else there is follows. */
const ORDER = ["onset", "peak", "end", "trough", "initial_positive_peak"];
export function numbered(m: Measurement): { name: string; index: number; automaticIndex: number; by: string; atUtc: string | null }[] {
  const place = (name: string) => (ORDER.indexOf(name) + ORDER.length + 1) % (ORDER.length + 1);
  return [...m.markers].sort((a, b) => place(a.name) - place(b.name)).slice(0, 3).map((k) => ({
    name: k.name, index: k.index, automaticIndex: k.automatic_index ?? k.index, by: k.by ?? "automatic", atUtc: k.at_utc ?? null,
  }));
}

export function valueOf(row: RowText | undefined, quantity: string): RowValue | undefined {
  return row?.values.find((v) => v.quantity === quantity);
}

/** Measures whose sweeps are a batch, each for itself, and have a picture of their own. */
export const SERIES: ReadonlySet<string> = new Set(["f_wave", "h_reflex", "rns", "cmap_scan", "munix", "mune"]);

const MEASURES: Record<string, string> = {
  motor_response: "motor", sensory_response: "sensory", f_wave: "F-waves", h_reflex: "H-reflex", rns: "repetitive", cmap_scan: "CMAP scan",
  munix: "MUNIX", mune: "unit count", blink: "blink", median_comparison: "median compared", split_hand: "split hand", across_elbow: "across the elbow",
  side_to_side: "side to side", f_side_to_side: "F-waves, side to side", h_side_to_side: "H-reflex, side to side", exercise_increment: "after exercise",
};
export const measureWords = (measure: string) => MEASURES[measure] ?? measure.replaceAll("_", " ");
export const placeWords = (name: string) => name.replaceAll("_", " ");
/** Nerve and site; an edge that no pulse of ours explains has neither, until it is corrected or left out. */
export const stimulatedWords = (nerve: string, site: string) => (nerve === "" ? "unexplained pulse" : `${placeWords(nerve)}, ${placeWords(site)}`);

/** The whole table: by measure, nerve, muscle, side and site as the service lists them. */
export const ordered = computed(() => {
  const all = [...rows.value.values()];
  const first = new Map<string, number>();
  all.forEach((row, i) => { const key = `${row.measure}|${row.nerve}|${row.muscle}`; if (!first.has(key)) first.set(key, i); });
  const at = (row: RowText) => first.get(`${row.measure}|${row.nerve}|${row.muscle}`) ?? 0;
  return all.map((row, i) => ({ row, i })).sort((a, b) => at(a.row) - at(b.row) || a.i - b.i).map(({ row }) => row);
});
