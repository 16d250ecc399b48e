// What the simulator says of itself and takes: every list on the patient page comes from here, none from the page.
import { signal } from "@preact/signals";
import { demo } from "../state/actions";
import { tell } from "../state/events";
import { get, type Refusal } from "../wire/api";

export interface Dials { umn: number; lmn: number }
export interface Tip { muscle: string; electrode: string; inserted: boolean; depth_mm: number | null; side_mm: number | null; along_mm: number | null }
export interface SimulatedMuscle { muscle: string; name: string; side: string; nerve: string; channel: number | null; units: number }
export interface Described {
  device?: string; patient?: string; code?: string; title?: string; seed?: number; age_years?: number; sex?: string; height_cm?: number;
  hand_temperature_c?: number; foot_temperature_c?: number; montage?: Record<string, string | null>; muscles?: SimulatedMuscle[];
  dials?: Record<string, Dials>; technique?: Record<string, number | number[]>; needles?: Tip[];
  task?: { name: string; level: number; muscle?: string | null }; placement?: { nerve: string; site: string; side: string };
}
export interface TechniqueError { name: string; lowest: number; highest: number; per_channel: boolean; meaning: string }
export interface Choices {
  muscles: string[]; sensory: string[]; nerves: Record<string, string[]>; sides: string[]; tasks: { name: string; effort: boolean }[];
  dial_parts: string[]; needle: { actions: string[]; electrodes: string[] }; technique: TechniqueError[];
}
export interface Case { name: string; code: string; title: string }
export interface Line {
  quantity: string; unit: string; place: string; measured: number | null; truth: number | null; difference: number | null; note: string;
}
export interface Beside { muscle: string; lines: Line[]; acting: Record<string, unknown> | null }

export const described = signal<Described | null>(null);
export const choices = signal<Choices | null>(null);
export const cases = signal<readonly Case[]>([]);
/** The muscle whose truth is shown; null until the simulator has told which there are. */
export const chosen = signal<string | null>(null);
export const beside = signal<Beside | null>(null);
/** Why the comparison could not be had; empty when it could. */
export const besideTrouble = signal("");

export async function describe(): Promise<void> {
  try {
    const told = await get<Described>("demo/describe");
    described.value = told;
    chosen.value = stillThere(chosen.peek(), told.muscles ?? []);
  } catch (error) {
    tell(`simulated patient: ${(error as Refusal).message}`);
  }
}

/** What is asked once: nothing of it changes while a patient is simulated. */
export async function readChoices(): Promise<void> {
  if (choices.peek() !== null) return;
  try {
    choices.value = (await get<{ choices: Choices }>("demo/choices")).choices;
    cases.value = (await get<{ patients?: Case[] }>("demo/patients")).patients ?? [];
  } catch (error) {
    tell(`simulated patient: ${(error as Refusal).message}`);
  }
}

export async function compare(): Promise<void> {
  const muscle = chosen.peek();
  if (muscle === null) return;
  try {
    const told = await get<Beside>("demo/beside", { muscle });
    if (chosen.peek() !== told.muscle) return;
    beside.value = told;
    besideTrouble.value = "";
  } catch (error) {
    besideTrouble.value = (error as Refusal).message;
  }
}

export function choose(muscle: string): void {
  chosen.value = muscle;
  beside.value = null;
  void compare();
}

/** Ask the simulator for a change, then see what it has become: the page shows its answer, not the click. */
export async function change(what: string, body: object): Promise<void> {
  await demo(what, body);
  await describe();
  await compare();
}

/** The chosen muscle, or the first one under an electrode, or none. */
export function stillThere(muscle: string | null, told: readonly SimulatedMuscle[]): string | null {
  if (muscle !== null && told.some((one) => one.muscle === muscle)) return muscle;
  return (told.find((one) => one.channel !== null) ?? told[0])?.muscle ?? null;
}

/** What a channel can be put on: grouped, and what lies there now even if nobody lists it. */
export function leadGroups(all: Choices, needles: readonly Tip[], now: string | null): [string, string[]][] {
  const inserted = needles.filter((one) => one.inserted).map((one) => `needle ${one.muscle}`);
  const groups: [string, string[]][] = [["Muscle", all.muscles], ["Sensory", all.sensory], ["Needle", inserted]];
  const listed = groups.some(([, leads]) => leads.includes(now ?? ""));
  if (now !== null && !listed) groups.push(["Other", [now]]);
  return groups.filter(([, leads]) => leads.length > 0);
}

/** Errors in force, one entry for each channel that has one; channel null: the same on all. */
export interface InForce { name: string; channel: number | null; value: number }
export function inForce(technique: Record<string, number | number[]>): InForce[] {
  return Object.entries(technique).flatMap(([name, told]): InForce[] =>
    Array.isArray(told)
      ? told.map((value, i) => ({ name, channel: i + 1, value })).filter((one) => one.value !== 0)
      : [{ name, channel: null, value: told }]);
}

/** A part of the UMN dial as it acts on the muscle; null until that is known. */
export function acting(told: Beside | null, part: string): number | null {
  const value = told?.acting?.[part];
  return typeof value === "number" ? value : null;
}
