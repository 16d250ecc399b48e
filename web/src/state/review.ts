// A study that is looked at and not worked on: as it is on the disk, measured again by the same code.
import { signal } from "@preact/signals";
import { get, samples } from "../wire/api";
import type { SweepText } from "../wire/messages";
import type { Edit, Reviewed, RowText } from "../wire/table";
import { attempt } from "./actions";

export const review = signal<Reviewed | null>(null);
export const reviewRow = signal<string | null>(null);
/** Average and sweeps of the rows looked at, µV, by row. */
export interface RowSweeps { average: Float32Array; sweeps: Float32Array[] }
export const reviewTraces = signal<ReadonlyMap<string, RowSweeps>>(new Map());

export async function loadReview(id: string): Promise<void> {
  if (review.peek()?.study.id !== id) review.value = null;
  await attempt("review", async () => {
    const told = await get<Reviewed>(`studies/${encodeURIComponent(id)}`);
    reviewTraces.value = new Map();
    review.value = told;
    if (!told.rows.some((r) => r.id === reviewRow.peek())) reviewRow.value = told.rows[0]?.id ?? null;
  });
}

export async function loadRow(study: string, row: RowText): Promise<void> {
  if (row.derived || reviewTraces.peek().has(row.id)) return;
  await attempt("sweeps", async () => {
    const values = await samples(`studies/${encodeURIComponent(study)}/rows/${encodeURIComponent(row.id)}/sweeps`);
    if (review.peek()?.study.id === study) reviewTraces.value = new Map(reviewTraces.value).set(row.id, cut(values, row.sweeps.length));
  });
}

/** The answer is the average and then each sweep, all of one length. */
export function cut(values: Float32Array, count: number): RowSweeps {
  const each = Math.floor(values.length / (count + 1));
  const part = (i: number) => values.subarray(i * each, (i + 1) * each);
  return { average: part(0), sweeps: Array.from({ length: count }, (_, i) => part(i + 1)) };
}

/** Which way to the row before or after, at the ends round again. */
export function moveReview(by: 1 | -1): void {
  const list = review.value?.rows ?? [];
  const at = list.findIndex((r) => r.id === reviewRow.value);
  reviewRow.value = list[(at + by + list.length) % Math.max(1, list.length)]?.id ?? null;
}

/** Changes of one row: its own, and those of its sweeps, oldest first. */
export function editsOf(edits: readonly Edit[], row: RowText): Edit[] {
  const own = new Set([row.id, row.step, ...row.sweeps]);
  return edits.filter((e) => own.has(e.target));
}

export function sweepsOf(list: readonly SweepText[], row: RowText): SweepText[] {
  return row.sweeps.flatMap((id) => list.find((s) => s.id === id) ?? []);
}
