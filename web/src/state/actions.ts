// What a viewer can do. Every action goes to the service; its answer changes the page, not the click.
import { signal } from "@preact/signals";
import { format } from "../format";
import { post, postStop, Refusal } from "../wire/api";
import type { LiveSocket } from "../wire/live";
import type { Subject } from "../wire/messages";
import type { Step } from "../wire/table";
import { tell } from "./events";
import { client, mode, stimulator, stimulatorState, stoppedAt, truth, underElectrodes } from "./study";
import { sweeps, type SweepRecord } from "./sweeps";
import { edited } from "./undo";

let socket: LiveSocket | null = null;
export function useSocket(s: LiveSocket): void {
  socket = s;
}

export const operator = signal("");
/** True while this page is the one that armed: it must ping. */
export const armedHere = signal(false);
export const stopUnanswered = signal(false);
const FIRE_GUARD_MS = 150;
let lastFire = -Infinity;

/** STOP: the socket first, then HTTP as well, whatever the state. */
export async function stop(): Promise<void> {
  socket?.stop();
  armedHere.value = false;
  socket?.setArmed(false);
  const answered = await postStop();
  // Sent is not stopped: only the service's answer, or its word that the stimulator is off, counts.
  const stopped = answered || (truth.value.contact && stimulatorState.value === "stopped");
  stopUnanswered.value = !stopped;
  if (stopped) stoppedAt.value = new Date();
  if (stopped) tell("stopped: stimulator off until armed again", "stopped");
  else tell("STOP: no answer: use the stimulator's own switch", "stopped");
}

export async function attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    tell(`${what}: ${error instanceof Refusal ? error.message : "no answer from the service"}`);
    return false;
  }
}

/** Arm for single pulses, or for one declared train. */
export async function arm(train: Declared | null = null): Promise<void> {
  if (operator.value.trim() === "") {
    tell("arm: enter the operator's initials first");
    return;
  }
  armedHere.value = true;
  socket?.setArmed(true);
  const armed = await attempt("arm", () => post("stimulator/arm", { client: client.value, operator: operator.value.trim(), train }));
  if (!armed) {
    armedHere.value = false;
    socket?.setArmed(false);
  }
}

export interface Declared { kind: string; count: number; rate_hz: number; to_ma: number | null }

/** End a declared train; its sweeps stay. STOP ends it too. */
export async function endTrain(): Promise<void> {
  await attempt("end of the train", () => post("stimulator/end", { client: client.value }));
}

export async function pain(level: number | null, reason: string): Promise<void> {
  await attempt("pain", () => post("stimulator/pain", { client: client.value, pain: level, reason }));
}

/** A lower highest current until the study ends; the service never raises it again. */
export async function lowerCeiling(maxMa: number): Promise<void> {
  await attempt("ceiling", () => post("stimulator/ceiling", { max_ma: maxMa }));
}

const WIDTHS_US = [50, 100, 200, 300, 500, 1000] as const;
/** Pulse widths to choose from: the list as far as the limits go, and the one that is set. */
export function widthsOf(told: { width_us: number; longest_us?: number }): number[] {
  const allowed = WIDTHS_US.filter((w) => w <= (told.longest_us ?? 1000));
  return [...new Set([...allowed, told.width_us])].sort((a, b) => a - b);
}

/** A wider pulse never does more than the one before it: its current goes down to the same charge, in whole mA. */
export function widened(told: { current_ma: number; width_us: number }, widthUs: number): number {
  return widthUs <= told.width_us ? told.current_ma : Math.floor((told.current_ma * told.width_us) / widthUs + 1e-6);
}

export async function setWidth(widthUs: number): Promise<void> {
  const told = stimulator.value;
  if (!told || widthUs === told.width_us) return;
  // behind a front panel nothing is set here: what was typed stands
  const currentMa = told.stated ? told.current_ma : widened(told, widthUs);
  const set = await attempt("pulse width", () => post("stimulator/configure", { current_ma: currentMa, width_us: widthUs }));
  if (set && currentMa < told.current_ma) tell(`${format("pulse_us", widthUs)}: ${format("current_ma", currentMa)} instead of ${format("current_ma", told.current_ma)}, the same charge`);
}

/** The next wider or narrower pulse of the list. */
export async function stepWidth(by: 1 | -1): Promise<void> {
  const told = stimulator.value;
  if (!told) return;
  const list = widthsOf(told);
  const next = list[list.indexOf(told.width_us) + by];
  if (next === undefined) tell(`pulse width: ${format("pulse_us", told.width_us)} is the ${by === 1 ? "widest" : "narrowest"}`);
  else await setWidth(next);
}

/** Begin or end hunting for the place: everything as before, but no sweep is kept. */
export async function toggleHunt(): Promise<void> {
  await attempt("hunting", () => post("stimulator/hunt", { on: !(stimulator.value?.hunting ?? false) }));
}

export async function implanted(answer: string): Promise<void> {
  if (operator.value.trim() === "") {
    tell("implanted device: enter the operator's initials first");
    return;
  }
  await attempt("implanted device", () => post("stimulator/implant", { answer, by: operator.value.trim() }));
}

export async function disarm(): Promise<void> {
  await attempt("disarm", () => post("stimulator/disarm"));
  armedHere.value = false;
  socket?.setArmed(false);
}

export async function fire(): Promise<void> {
  if (stimulatorState.value !== "armed" || performance.now() - lastFire < FIRE_GUARD_MS) return;
  lastFire = performance.now();
  await attempt("fire", () => post("stimulator/fire", { client: client.value, nonce: nonce() }));
}

function nonce(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
}

export async function intensity(byMa: number): Promise<void> {
  const told = stimulator.value;
  if (!told) return;
  const next = Math.min(told.ceiling_ma, Math.max(0, Math.round((told.current_ma + byMa) * 10) / 10));
  await setCurrent(next);
}

export async function setCurrent(currentMa: number): Promise<void> {
  const told = stimulator.value;
  if (!told) return;
  await attempt("intensity", () => post("stimulator/configure", { current_ma: currentMa, width_us: told.width_us }));
}

export async function setTask(name: string, level: number): Promise<void> {
  await attempt("task", () => post("task", { task: name, level }));
  // A simulated patient hears what the patient is asked, and lies where the electrodes are said to be.
  await demo("task", { name, level });
}

export async function setStep(next: Step): Promise<void> {
  const { nerve, site, side, muscle, measure = "motor_response" } = next;
  if (await attempt("step", () => post("step", { nerve, site, side, muscle, measure }))) underElectrodes(next);
}

export async function setTemperature(celsius: number, where = ""): Promise<void> {
  await attempt("temperature", () => post("temperature", where === "" ? { celsius } : { celsius, where }));
}

export async function setSubject(known: Subject): Promise<boolean> {
  return attempt("patient", () => post("subject", known));
}

/** How hard the patient was asked to pull; a simulated one does it with that muscle alone. */
export async function askEffort(level: number, muscle: string | null): Promise<void> {
  const name = level === 0 ? "rest" : level === 1 ? "maximal" : "hold";
  await setTask(name, level);
  if (level > 0 && muscle !== null) await demo("task", { name, level, muscle });
}

/** The last 500 ms, as the service has them, are an epoch of effort: what was just seen. */
export async function markEpoch(): Promise<void> {
  await attempt("epoch", () => post("voluntary"));
}

export async function include(record: SweepRecord, included: boolean): Promise<void> {
  const { id, site, number: at } = record.text;
  const to = (on: boolean) => attempt("sweep", () => post(`sweeps/${encodeURIComponent(id)}`, { included: on }));
  const words = (on: boolean) => `sweep${at === undefined ? "" : ` ${at}`}${site === "" ? "" : `, ${site.replaceAll("_", " ")}`}, ${on ? "counted again" : "excluded"}`;
  const stands = (again: boolean) => sweeps.value.find((s) => s.text.id === id)?.text.included === (again ? !included : included);
  await edited(to(included), { did: words(included), undid: words(!included), stands, back: () => to(!included), again: () => to(included) });
}

/** Demo mode only: the simulated patient's own controls. */
export async function demo(what: string, body: object): Promise<boolean> {
  if (mode.value !== "simulated") return false;
  return attempt(what, () => post(`demo/${what}`, body));
}
