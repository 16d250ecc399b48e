// Sweeps by row (nerve, site, side, muscle), with their samples as they arrive.
import { signal } from "@preact/signals";
import { samples as fetchSamples } from "../wire/api";
import type { Frame } from "../wire/frames";
import { rowKey, type SweepText } from "../wire/messages";

export interface SweepRecord { text: SweepText; samples: Float32Array | null; asked: boolean }
export const sweeps = signal<SweepRecord[]>([]);
/** Superimposed at most; older ones stay in the table and the average. */
export const SHOWN = 20;

export function addSweep(text: SweepText): void {
  const known = sweeps.value.findIndex((s) => s.text.id === text.id);
  sweeps.value =
    known < 0
      ? [...sweeps.value, { text, samples: null, asked: false }]
      : sweeps.value.map((s, i) => (i === known ? { ...s, text } : s));
}

/** A binary sweep belongs to the newest text of that length that still waits for its samples. */
export function addSamples(frame: Frame): void {
  const list = sweeps.value;
  for (let i = list.length - 1; i >= 0; i--) {
    const s = list[i];
    if (!s || s.samples || s.text.count !== frame.count || s.text.channels.length !== frame.channels) continue;
    if (s.text.number !== undefined && (s.text.number & 0xffff) !== frame.view) continue;
    sweeps.value = list.map((old, j) => (j === i ? { ...old, samples: frame.data } : old));
    return;
  }
}

/** Samples of sweeps made before this page opened, the newest of each row first asked for. */
export async function fetchMissing(): Promise<void> {
  const rows = new Map<string, number>();
  for (const record of [...sweeps.value].reverse()) {
    const key = rowKey(record.text);
    const had = rows.get(key) ?? 0;
    rows.set(key, had + 1);
    if (had >= SHOWN || record.samples || record.asked) continue;
    record.asked = true;
    const data = await fetchSamples(`sweeps/${encodeURIComponent(record.text.id)}/samples`).catch(() => null);
    if (data) sweeps.value = sweeps.value.map((s) => (s.text.id === record.text.id ? { ...s, samples: data } : s));
  }
}

/** The measured channel of a sweep, null until its samples are here. */
export function measured(record: SweepRecord): Float32Array | null {
  const at = record.text.channels.indexOf(record.text.channel);
  if (!record.samples || at < 0) return null;
  return record.samples.subarray(at * record.text.count, (at + 1) * record.text.count);
}

export interface Row { key: string; site: string; sweeps: SweepRecord[]; newest: SweepText }

/** Rows of one nerve, side and muscle, in the order in which their sites were first stimulated. */
export function rowsOf(list: SweepRecord[], nerve: string, side: string, muscle: string): Row[] {
  const rows = new Map<string, Row>();
  for (const record of list) {
    const { text } = record;
    if (text.nerve !== nerve || text.side !== side || text.muscle !== muscle) continue;
    const row = rows.get(text.site) ?? { key: rowKey(text), site: text.site, sweeps: [], newest: text };
    row.sweeps.push(record);
    row.newest = text;
    rows.set(text.site, row);
  }
  return [...rows.values()];
}

/** Sweeps that count towards the row's average. */
export function used(row: Row): SweepRecord[] {
  return row.sweeps.filter((s) => s.text.included && !s.text.gap);
}

/** Mean of the included sweeps on the newest one's time axis, for drawing only: numbers are the
 * service's. Nearest sample, so nothing is smoothed; null with fewer than two. */
export function averageForDrawing(row: Row): { values: Float32Array; zero: number; rateHz: number } | null {
  const counted = used(row).filter((s) => measured(s));
  const base = counted.at(-1);
  if (counted.length < 2 || !base) return null;
  const sum = new Float64Array(base.text.count);
  const seen = new Float64Array(base.text.count);
  for (const s of counted) {
    const data = measured(s);
    if (!data || s.text.rate_hz !== base.text.rate_hz) continue;
    const shift = Math.round(s.text.zero_index - base.text.zero_index);
    for (let i = 0; i < sum.length; i++) {
      const value = data[i + shift];
      if (value === undefined) continue;
      sum[i] = (sum[i] ?? 0) + value;
      seen[i] = (seen[i] ?? 0) + 1;
    }
  }
  const values = Float32Array.from(sum, (v, i) => ((seen[i] ?? 0) > 0 ? v / (seen[i] ?? 1) : NaN));
  return { values, zero: base.text.zero_index, rateHz: base.text.rate_hz };
}
