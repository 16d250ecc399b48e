// Protocols, studies and steps: start anywhere, repeat, skip with a reason, add; what remains.
import { computed, signal } from "@preact/signals";
import { get, post } from "../wire/api";
import type { Protocol, Step, StudyLine } from "../wire/table";
import { attempt, demo, operator, setStep } from "./actions";
import { tell } from "./events";
import { muscles, step, steps, underElectrodes } from "./study";
import { chosenRow } from "./table";

/** A step is one measure at one placement, whether or not the list has it. */
const placeKey = (s: Step) => `${s.measure ?? "motor_response"}|${s.nerve}|${s.site}|${s.side}|${s.muscle}`;
export const stepKey = (s: Step) => s.id ?? placeKey(s);
export const isNow = (s: Step) => step.value !== null && placeKey(s) === placeKey(step.value);
export const nowAt = computed(() => steps.value.findIndex(isNow));
/** The step under the electrodes with all that the list knows of it. */
export const nowStep = computed<Step | null>(() => steps.value[nowAt.value] ?? step.value);
export const counts = computed(() => {
  const of = (state: string) => steps.value.filter((s) => (s.state ?? "open") === state).length;
  return { open: of("open"), done: of("done"), skipped: of("skipped"), all: steps.value.length };
});

/** A change of side is asked about once: this is the step that waits for the answer. */
export const sideAsked = signal<Step | null>(null);

export const wasAsked = (s: Step) => sideAsked.value !== null && stepKey(sideAsked.value) === stepKey(s);

export async function startStep(next: Step, sure = false): Promise<void> {
  const now = step.value;
  if (now && now.side !== next.side && !sure) {
    sideAsked.value = next;
    tell(`${next.side} side next: move electrodes and stimulator, then start the step again`);
    return;
  }
  sideAsked.value = null;
  chosenRow.value = null;
  if (next.id === undefined) return setStep(next);
  const { id } = next;
  await attempt("step", async () => { underElectrodes(await post<Step>(`steps/${encodeURIComponent(id)}/start`)); });
}

/** On: the next step that is still open, behind this one or else from the top. Back: the one before, whatever its state.
 * On the same key again where a change of side was asked about. */
export function moveStep(by: 1 | -1): void {
  const next = by === 1 ? nextOpen(steps.value, nowAt.value) : steps.value[Math.max(0, nowAt.value - 1)];
  if (next && !isNow(next)) void startStep(next, wasAsked(next));
  else if (by === 1) tell("no step remains to be done");
}

export function nextOpen(list: readonly Step[], at: number): Step | undefined {
  const open = (s: Step, i: number) => i !== at && (s.state ?? "open") === "open";
  return list.find((s, i) => i > at && open(s, i)) ?? list.find(open);
}

async function mark(what: string, s: Step | null, path: string, body: object): Promise<Step | null> {
  if (s?.id === undefined) {
    tell(`${what}: no step of the list is under the electrodes`);
    return null;
  }
  let told: Step | null = null;
  await attempt(what, async () => { told = await post<Step>(`steps/${encodeURIComponent(s.id ?? "")}/${path}`, body); });
  return told;
}

const by = () => (operator.value.trim() === "" ? {} : { by: operator.value.trim() });

export async function repeatStep(): Promise<void> {
  const told = await mark("repeat", nowStep.value, "repeat", {});
  if (told) underElectrodes(told);
  chosenRow.value = null;
}

export async function skipStep(reason: string): Promise<boolean> {
  const told = await mark("skip", nowStep.value, "skip", { reason, ...by() });
  return told !== null;
}

/** Names of sensory recordings of the simulated patient end so. */
const SENSORY = " SNAP";

/** The channel that records a step: the one assigned to it, else the one called after its muscle; null: none does. */
export function channelOf(s: Step, labels: readonly string[]): string | null {
  if (s.channel && labels.includes(s.channel)) return s.channel;
  const named = muscles.value.find((m) => m.key === s.muscle)?.channel;
  return labels.find((label) => label === s.muscle || label === s.muscle + SENSORY || label === named) ?? null;
}

/** Record a step on a channel that is called after something else: its electrodes are moved there. A simulated patient's too. */
export async function recordOn(s: Step, channel: string, labels: readonly string[]): Promise<void> {
  const { measure = "motor_response", nerve, site, side, muscle } = s;
  await attempt("channel", async () => {
    const told = await post<Step>("steps", { measure, nerve, site, side, muscle, channel });
    const lead = measure === "sensory_response" ? muscle + SENSORY : muscle;
    await demo("montage", { leads: { [labels.indexOf(channel) + 1]: lead } });
    await startStep(told, true);
  });
}

/** Sweeps of the step at hand last so many ms from the next stimulus on. */
export async function setSweepMs(ms: number): Promise<void> {
  const told = await mark("sweep length", nowStep.value, "sweep", { ms, ...by() });
  if (told && isNow(told)) underElectrodes(told);
}

export async function reopenStep(s: Step): Promise<void> {
  await mark("reopen", s, "reopen", {});
}

export interface Added { measure: string; nerve: string; site: string; side: string; muscle: string }
export async function addStep(added: Added): Promise<void> {
  const after = nowStep.value?.id ?? null;
  await attempt("add a step", async () => {
    const told = await post<Step>("steps", { ...added, after });
    await startStep(told, true);
  });
}

// ── studies ──────────────────────────────────────────────────────────────────────────────────

export const protocols = signal<Protocol[] | null>(null);
export const studies = signal<StudyLine[]>([]);

export async function loadProtocols(): Promise<void> {
  await attempt("protocols", async () => {
    if (protocols.value === null) protocols.value = await get<Protocol[]>("protocols");
    studies.value = await get<StudyLine[]>("studies", { limit: 20 });
  });
}

export interface NewStudy { patient: string; visit: string; operator: string; protocol: string; sides: string[] }
/** Begin a study, or go on with one. The socket breaks and comes back with it. */
export async function beginStudy(told: NewStudy): Promise<StudyLine | null> {
  let line: StudyLine | null = null;
  await attempt("new study", async () => { line = await post<StudyLine>("studies", told); });
  return line;
}

export async function openStudy(id: string): Promise<boolean> {
  return attempt("open", () => post(`studies/${encodeURIComponent(id)}/open`));
}

export async function closeStudy(id: string): Promise<boolean> {
  const told = await attempt("close", () => post(`studies/${encodeURIComponent(id)}/close`, by()));
  if (told) tell("the study is closed: nothing more can be changed until it is opened again");
  return told;
}
