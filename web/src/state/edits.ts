// What a person says of a row. The service decides; its `row` frame changes the page, not the click.
import { signal } from "@preact/signals";
import { post } from "../wire/api";
import type { Place, SweepText } from "../wire/messages";
import type { RowText } from "../wire/table";
import { attempt, operator } from "./actions";
import { tell } from "./events";
import { rows, tableRow } from "./table";

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
  if (ms !== undefined) await change(id, "markers", { name, latency_ms: ms });
  // moved again meanwhile: that move is answered for by its own timer
  if (settling.has(key)) return;
  held.value = new Map([...held.value].filter(([k]) => k !== key));
}

export async function resetMarker(id: string, name: string | null): Promise<void> {
  await change(id, "markers/reset", { name });
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
  await attempt("sweep", () => post(`sweeps/${encodeURIComponent(id)}`, { kept, ...by() }));
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
