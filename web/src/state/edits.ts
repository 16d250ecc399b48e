// What a person says of a row. The service decides; its `row` frame changes the page, not the click.
import { signal } from "@preact/signals";
import { format } from "../format";
import { post } from "../wire/api";
import type { Place, SweepText } from "../wire/messages";
import type { RowText } from "../wire/table";
import { attempt, operator } from "./actions";
import { tell } from "./events";
import { placeWords, rows, tableRow } from "./table";
import { type Change, edited } from "./undo";

const route = (id: string, what: string) => `rows/${encodeURIComponent(id)}/${what}`;
/** Initials, where they are known here; else the study's operator counts. */
const by = () => (operator.value.trim() === "" ? {} : { by: operator.value.trim() });

async function change(id: string, what: string, body: object): Promise<boolean> {
  return attempt(what, async () => {
    const told = await post<RowText>(route(id, what), { ...body, ...by() });
    if (told.id === id && told.revision >= (rows.value.get(id)?.revision ?? 0)) tableRow(told);
  });
}

/** Markers taken hold of and not yet answered for: row id and name → ms after the stimulus. */
export const held = signal<ReadonlyMap<string, number>>(new Map());
export const heldKey = (id: string, name: string) => `${id}|${name}`;
const SETTLE_MS = 150;
const settling = new Map<string, ReturnType<typeof setTimeout>>();

/** Move a marker: drawn at once, told to the service when the hand rests. */
export function placeMarker(id: string, name: string, latencyMs: number): void {
  const key = heldKey(id, name);
  held.value = new Map(held.value).set(key, latencyMs);
  clearTimeout(settling.get(key));
  settling.set(key, setTimeout(() => void settle(id, name, key), SETTLE_MS));
}

async function settle(id: string, name: string, key: string): Promise<void> {
  settling.delete(key);
  const ms = held.value.get(key);
  const before = markerOf(id, name);
  if (ms !== undefined) await edited(place(id, name, ms), before && markerMoved(id, name, before, ms));
  // moved again meanwhile: that move is answered for by its own timer
  if (settling.has(key)) return;
  held.value = new Map([...held.value].filter(([k]) => k !== key));
}

/** What a hand has just let go of is told now, not after its rest: before it is undone. */
export async function settleAll(): Promise<void> {
  for (const [key, timer] of [...settling]) {
    clearTimeout(timer);
    const bar = key.lastIndexOf("|");
    await settle(key.slice(0, bar), key.slice(bar + 1), key);
  }
}

export async function resetMarker(id: string, name: string): Promise<void> {
  const before = markerOf(id, name);
  await edited(reset(id, name), before && before.by !== "automatic" ? markerMoved(id, name, before, null) : null);
}

const place = (id: string, name: string, ms: number) => change(id, "markers", { name, latency_ms: ms });
const reset = (id: string, name: string) => change(id, "markers/reset", { name });

interface Stood { ms: number; by: string; sampleMs: number }
function markerOf(id: string, name: string): Stood | null {
  const row = rows.value.get(id);
  const found = row?.measurement.markers.find((k) => k.name === name);
  if (!row || !found) return null;
  return { ms: (1000 * (found.index - row.zero_index)) / row.rate_hz, by: found.by ?? "automatic", sampleMs: 1000 / row.rate_hz };
}

/** A marker was moved to `after` ms, or (null) set back to automatic. */
function markerMoved(id: string, name: string, before: Stood, after: number | null): Change {
  const row = rows.value.get(id);
  const words = `${name} of ${placeWords(row?.nerve ?? "")} ${placeWords(row?.site ?? "")}`;
  const at = (ms: number) => format("latency_ms", ms);
  const was = before.by === "automatic";
  return {
    did: after === null ? `${words} back to automatic` : `${words} moved from ${at(before.ms)} to ${at(after)}`,
    undid: `${words} ${was ? "back to automatic" : "as it was"}, ${at(before.ms)}${after === null ? "" : ` instead of ${at(after)}`}`,
    stands: (again) => {
      const now = markerOf(id, name);
      const wanted = again ? (was ? null : before.ms) : after;
      return now !== null && (wanted === null ? now.by === "automatic" : Math.abs(now.ms - wanted) <= 1.01 * now.sampleMs);
    },
    back: () => (was ? reset(id, name) : place(id, name, before.ms)),
    again: () => (after === null ? reset(id, name) : place(id, name, after)),
  };
}

/** The examiner's word on maximal effort; null: nobody says. */
export async function setMaximal(id: string, maximal: boolean | null): Promise<boolean> {
  return change(id, "effort", { maximal });
}

export async function callAbsent(id: string, absent: boolean, electrodeChecked: boolean): Promise<boolean> {
  return change(id, "absent", { absent, electrode_checked: electrodeChecked });
}

/** Sweeps to where they were taken: the row that has them then, null if it was refused. */
export async function correctRow(id: string, place: Partial<Place>): Promise<string | null> {
  let row: string | null = null;
  await attempt("correct", async () => { row = (await post<{ row: string | null }>(route(id, "correct"), { ...place, ...by() })).row; });
  return row;
}
export async function correctSweep(id: string, place: Partial<Place>): Promise<string | null> {
  let row: string | null = null;
  await attempt("correct", async () => { row = (await post<SweepText>(`sweeps/${encodeURIComponent(id)}`, { ...place, ...by() })).row ?? null; });
  return row;
}

/** Into the average whatever artefact rejection finds; false: as it finds. */
export async function keepSweep(id: string, kept: boolean): Promise<void> {
  await edited(keep(id, kept), sweepKept(id, kept));
}
const keep = (id: string, kept: boolean) => attempt("sweep", () => post(`sweeps/${encodeURIComponent(id)}`, { kept, ...by() }));

const rejected = (id: string) => [...rows.value.values()].some((row) => row.rejected?.some((one) => one.sweep === id));
function sweepKept(id: string, kept: boolean): Change {
  const words = (on: boolean) => (on ? "a sweep kept in its average whatever artefact rejection finds" : "a sweep left to artefact rejection");
  // what was kept is rejected no more; one left to rejection may be or not
  return { did: words(kept), undid: words(!kept), stands: (again) => again || !kept || !rejected(id), back: () => keep(id, !kept), again: () => keep(id, kept) };
}

/** Maximal exercise has ended just now, between two trains; or there was none. */
export async function exerciseEnded(id: string, ended: boolean): Promise<boolean> {
  return change(id, "exercise", { ended });
}

export interface Condition { flexion_deg: number | null; after_exercise_s: number | null }
/** How a row was taken; both are told, what is null is taken back. */
export async function setCondition(id: string, told: Condition): Promise<boolean> {
  return change(id, "condition", told);
}

const DISTANCE_MM: readonly [number, number] = [10, 1500];
/** A distance as typed: empty is not measured. False, with the reason said, if it is none. */
export function distanceOf(typed: string): number | null | undefined {
  const text = typed.trim().replace(",", ".");
  if (text === "") return null;
  const mm = Number(text);
  return Number.isFinite(mm) && mm >= DISTANCE_MM[0] && mm <= DISTANCE_MM[1] ? mm : undefined;
}

export async function setDistance(id: string, typed: string): Promise<boolean> {
  const mm = distanceOf(typed);
  if (mm === undefined) {
    tell(`distance: "${typed.trim()}" is not ${DISTANCE_MM[0]} to ${DISTANCE_MM[1]} mm; measure again and type millimetres`);
    return false;
  }
  return change(id, "distance", { mm });
}
