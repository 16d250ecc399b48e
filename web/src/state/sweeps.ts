// Sweeps by row (nerve, site, side, muscle), with their samples as they arrive.
import { signal } from "@preact/signals";
import { samples as fetchSamples } from "../wire/api";
import type { Frame } from "../wire/frames";
import { rowKey, type SweepText } from "../wire/messages";

export interface SweepRecord { text: SweepText; samples: Float32Array | null; asked: boolean }
export const sweeps = signal<SweepRecord[]>([]);
/** Superimposed at most; older ones stay in the table and the average. */
export const SHOWN = 20;
/** Of these every sweep is looked at by itself, in a raster that scrolls: as many as a train may have. */
const EACH: Readonly<Record<string, number>> = { f_wave: 100, h_reflex: 150 };

export function addSweep(text: SweepText): void {
  const known = sweeps.value.findIndex((s) => s.text.id === text.id);
  sweeps.value =
    known < 0
      ? [...sweeps.value, { text, samples: null, asked: false }]
      : sweeps.value.map((s, i) => (i === known ? { ...s, text } : s));
}

/** Sweeps given to find the place, newest last: shown while hunting, kept nowhere. */
export const hunted = signal<SweepRecord[]>([]);
export function addHunted(text: SweepText): void {
  hunted.value = [...hunted.value.slice(1 - SHOWN), { text, samples: null, asked: true }];
}

/** A binary sweep belongs to the newest text of that length that still waits for its samples. */
export function addSamples(frame: Frame): void {
  for (const kept of [sweeps, hunted]) if (give(kept, frame)) return;
}

function give(kept: typeof sweeps, frame: Frame): boolean {
  const list = kept.value;
  for (let i = list.length - 1; i >= 0; i--) {
    const s = list[i];
    if (!s || s.samples || s.text.count !== frame.count || s.text.channels.length !== frame.channels) continue;
    if (s.text.number !== undefined && (s.text.number & 0xffff) !== frame.view) continue;
    kept.value = list.map((old, j) => (j === i ? { ...old, samples: frame.data } : old));
    return true;
  }
  return false;
}

/** Samples of sweeps made before this page opened, the newest of each row first asked for. */
export async function fetchMissing(): Promise<void> {
  const rows = new Map<string, number>();
  for (const record of [...sweeps.value].reverse()) {
    const key = rowKey(record.text);
    const had = rows.get(key) ?? 0;
    rows.set(key, had + 1);
    if (had >= (EACH[measureOf(record.text)] ?? SHOWN) || record.samples || record.asked) continue;
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

/** The sweeps of one line of the table, as the page draws them. `id`: the line's, once the service told it. */
export interface Row { key: string; id: string | null; site: string; sweeps: SweepRecord[]; newest: SweepText }

const measureOf = (text: SweepText) => text.measure ?? "motor_response";

/** Rows of one measure, nerve, side and muscle: the newest run of each site, or the row asked for; in the order in which
 * their sites were first stimulated. */
export function rowsOf(list: SweepRecord[], at: { measure?: string; nerve: string; side: string; muscle: string }, wanted: string | null = null): Row[] {
  const found = new Map<string, Row>();
  for (const record of list) {
    const { text } = record;
    if (text.nerve !== at.nerve || text.side !== at.side || text.muscle !== at.muscle || measureOf(text) !== (at.measure ?? "motor_response")) continue;
    const key = text.row ?? rowKey(text);
    const known = found.get(text.site);
    if (known && known.key !== key) {
      const stays = known.key === wanted || (key !== wanted && (known.newest.run ?? 1) > (text.run ?? 1));
      if (stays) continue;
    }
    const row = known?.key === key ? known : { key, id: text.row ?? null, site: text.site, sweeps: [], newest: text };
    row.sweeps.push(record);
    row.newest = text;
    found.set(text.site, row);
  }
  return [...found.values()];
}

/** Sweeps that count towards the row's average. */
export function used(row: Row): SweepRecord[] {
  return row.sweeps.filter((s) => s.text.included && !s.text.gap);
}
