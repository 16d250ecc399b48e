// The study as the service tells it: one signal per truth, applied message by message.
import { batch, computed, signal } from "@preact/signals";
import { get, type Refusal } from "../wire/api";
import { ServerClock } from "../wire/clock";
import type {
  Card, DeviceHello, DeviceState, Hello, LinkState, MuscleInfo, Permission, Preset, RecordingState,
  StimulatorState, StoreState, Stream, StudyState, Subject, SweepText, Text,
} from "../wire/messages";
import type { Step } from "../wire/table";
import { effortTold } from "./effort";
import { tell } from "./events";
import { addHunted, addSweep, fetchMissing, hunted, sweeps } from "./sweeps";
import { chosenRow, rowGone, tableRow, tableRows } from "./table";
import { chosenMuscle, chosenSite, sweepGainMv, sweepMode, sweepTimeMs, timebaseFor, type SweepMode } from "./view";

export const clock = new ServerClock(() => performance.now() / 1000);
export const mode = signal<"live" | "replay" | "simulated" | null>(null);
export const client = signal("");
export const version = signal("");
export const patient = signal("");
export const studyId = signal("current");
export const visit = signal("");
export const studyOperator = signal("");
export const protocol = signal("");
export const task = signal("unknown");
export const step = signal<Step | null>(null);
export const steps = signal<Step[]>([]);
export const temperatureC = signal<number | null>(null);
/** Skin temperature by place (`left hand`; empty: the whole patient), °C. */
export const temperatures = signal<Record<string, number>>({});
export const store = signal<StoreState | null>(null);
export const subject = signal<Subject>({ age_years: null, sex: null, height_cm: null });
export const viewers = signal<number | null>(null);
export const connection = signal<{ open: boolean; reason: string }>({ open: false, reason: "connecting" });
/** Server seconds at which anything was last heard, and newest sample per device. */
export const heardS = signal<number | null>(null);
export const device = signal<(DeviceState & { model: string; driver: string; newestS: number | null }) | null>(null);
export const permissions = signal<Permission[]>([]);
export const streams = signal<Stream[]>([]);
export const muscles = signal<MuscleInfo[]>([]);
export const presets = signal<Preset[]>([]);
export const stimulator = signal<(StimulatorState & { toldS: number }) | null>(null);
export const recording = signal<(RecordingState & { toldS: number }) | null>(null);
export const cards = signal<ReadonlyMap<string, Card>>(new Map());
export const stoppedAt = signal<Date | null>(null);
/** Rises four times a second: ages and countdowns read it, nothing else does. */
export const tick = signal(0);

export const stream = computed<Stream | null>(() => streams.value.find((s) => s.channels.some((c) => c.kind === "emg")) ?? null);
export const emgLabels = computed(() => (stream.value?.channels ?? []).filter((c) => c.kind === "emg").map((c) => c.label));
export const muscle = computed(() => muscles.value.find((m) => m.key === chosenMuscle.value) ?? muscles.value[0] ?? null);

const SILENT_S = 2;
export interface Truth { state: LinkState; ageS: number | null; sentence: string; contact: boolean }
/** What may honestly be said of the device now: the service's word, or its silence. */
export const truth = computed<Truth>(() => {
  tick.value;
  const told = device.value;
  const silence = clock.age(heardS.value);
  const ageS = told ? clock.age(told.newestS) : null;
  if (!connection.value.open || (silence !== null && silence > SILENT_S)) {
    return { state: "lost", ageS, contact: false, sentence: `no word from the service: ${connection.value.open ? "it is silent" : connection.value.reason}` };
  }
  if (!told) return { state: "connecting", ageS: null, sentence: "waiting for the first device", contact: true };
  let { state } = told;
  if (state === "live" && ageS !== null && ageS > 0.5) state = ageS > SILENT_S ? "lost" : "stalled";
  return { state, ageS, sentence: told.sentence, contact: true };
});

export const stimulatorState = computed(() => {
  const told = stimulator.value;
  if (!told) return "none" as const;
  // Without contact nothing is known: unknown is drawn as armed.
  return truth.value.contact || told.state === "none" ? told.state : ("unknown" as const);
});

function hello(h: Hello): void {
  clock.anchor(h.server_s, h.utc);
  mode.value = h.mode;
  client.value = h.client;
  version.value = h.version;
  muscles.value = h.muscles;
  presets.value = h.presets;
  studyWords({ ...h.study, steps: h.steps });
  deviceHello(h.devices[0]);
  if (h.stimulator) stimulatorWords(h.stimulator);
  if (h.recording) recording.value = { ...h.recording, toldS: h.server_s };
  cards.value = new Map(h.cards.map((c) => [c.muscle, c]));
  tableRows(h.rows ?? []);
  store.value = h.store ?? null;
  if (!chosenMuscle.value || !h.muscles.some((m) => m.key === chosenMuscle.value)) {
    chosenMuscle.value = step.value?.muscle ?? h.muscles[0]?.key ?? null;
  }
  void loadSweeps();
}

function deviceHello(d: DeviceHello | undefined): void {
  if (!d) return;
  permissions.value = d.permissions;
  streams.value = d.streams;
  const told: DeviceState = typeof d.state === "object" ? d.state : {
    id: d.id, state: d.state, sentence: "", rate_hz: null, received: 0, lost: 0, rejected: 0, age_s: null, since_s: 0, epoch: null,
  };
  device.value = { ...told, id: d.id, model: d.model, driver: d.driver, newestS: newest(told.age_s) };
}

function newest(ageS: number | null): number | null {
  const now = clock.now();
  return now === null || ageS === null ? null : now - ageS;
}

function deviceState(s: DeviceState): void {
  const before = device.value;
  if (before && before.id !== s.id) return;
  if (before && before.state !== s.state) {
    tell(`device ${s.state}${s.sentence ? `: ${s.sentence}` : ""}`, s.state === "lost" ? "lost" : "note");
  }
  device.value = { ...s, model: before?.model ?? s.id, driver: before?.driver ?? "", newestS: newest(s.age_s) ?? before?.newestS ?? null };
}

function stimulatorWords(s: StimulatorState): void {
  const before = stimulator.value?.state;
  const hunting = stimulator.value?.hunting ?? false;
  if (hunting !== (s.hunting ?? false)) {
    hunted.value = [];
    tell(s.hunting ? "hunting: pulses are given and shown, sweeps are not kept" : "hunting ended: sweeps are kept again");
  }
  stimulator.value = { ...s, toldS: clock.now() ?? 0 };
  if (s.state === "stopped" && before !== "stopped") stoppedAt.value = new Date();
  if (s.state === "armed") stoppedAt.value = null;
}

function studyWords(s: Partial<StudyState>): void {
  if (s.patient !== undefined) patient.value = s.patient;
  if (s.id !== undefined) studyId.value = s.id;
  if (s.visit !== undefined) visit.value = s.visit;
  if (s.operator !== undefined) studyOperator.value = s.operator;
  if (s.protocol !== undefined) protocol.value = s.protocol;
  if (s.temperatures !== undefined) temperatures.value = s.temperatures;
  if (s.task !== undefined) task.value = s.task;
  if (s.steps !== undefined) steps.value = s.steps;
  if (s.temperature_c !== undefined) temperatureC.value = s.temperature_c;
  if (s.subject !== undefined) subject.value = s.subject;
  if (s.step !== undefined) underElectrodes(s.step);
}

/** How the sweeps of a measure are first looked at. */
const FIRST_MODE: Record<string, SweepMode> = { f_wave: "raster", h_reflex: "picture", rns: "picture", cmap_scan: "picture", munix: "picture" };
const placement = (s: Step | null) => (s ? [s.measure, s.nerve, s.site, s.side, s.muscle].join("|") : "");

/** The step at hand. Another one brings its muscle, its gain and its sweep; the same one told again moves nothing. */
export function underElectrodes(told: Step | null): void {
  // A step with nothing chosen in it is no step.
  const chosen = told?.muscle && told.nerve && told.site ? told : null;
  const another = chosen !== null && placement(chosen) !== placement(step.value);
  if (another) {
    chosenMuscle.value = chosen.muscle;
    chosenSite.value = chosen.site;
    chosenRow.value = null;
    if (chosen.gain_uv) sweepGainMv.value = chosen.gain_uv / 1000;
    sweepMode.value = FIRST_MODE[chosen.measure ?? ""] ?? "superimpose";
  }
  const longer = (chosen?.record_ms ?? null) !== (step.value?.record_ms ?? null);
  if (chosen?.sweep_ms && (another || longer)) sweepTimeMs.value = timebaseFor(chosen.sweep_ms, chosen.record_ms);
  step.value = chosen;
}

/** An epoch may bring another montage or other permissions: ask again what is there. */
async function loadStudy(): Promise<void> {
  try {
    const told = await get<Partial<Hello>>("study");
    batch(() => {
      if (told.muscles) muscles.value = told.muscles;
      if (told.steps) steps.value = told.steps;
      const dev = told.devices?.[0];
      if (!dev || !device.value) return;
      permissions.value = dev.permissions;
      if (dev.streams.length > 0) streams.value = dev.streams;
      device.value = { ...device.value, model: dev.model, driver: dev.driver };
    });
  } catch (error) {
    tell(`the study could not be read: ${(error as Refusal).message}`);
  }
}

async function loadSweeps(): Promise<void> {
  try {
    const list = await get<SweepText[]>("sweeps");
    const texts = new Set(list.map((t) => t.id));
    sweeps.value = sweeps.value.filter((s) => texts.has(s.text.id));
    for (const text of list) addSweep(text);
    await fetchMissing();
  } catch (error) {
    tell(`earlier sweeps could not be read: ${(error as Refusal).message}`);
  }
}

/** Apply one text message; traces (view, gap, epoch marks) are `trace/strip.ts`'s part. */
export function apply(m: Text): void {
  batch(() => {
    if (m.type === "hello") hello(m);
    else if (m.type === "pong") clock.heard(m.server_s);
    else if (m.type === "state") deviceState(m.device);
    else if (m.type === "stimulator") stimulatorWords(m);
    else if (m.type === "recording") recording.value = { ...m, toldS: clock.now() ?? 0 };
    else if (m.type === "study") studyWords(m);
    else if (m.type === "viewers") viewers.value = m.count;
    else if (m.type === "card") cards.value = new Map(cards.value).set(m.muscle, m);
    else if (m.type === "sweep") (m.hunting ? addHunted : addSweep)(m);
    else if (m.type === "step") oneStep(m.step);
    else if (m.type === "effort") effortTold(m, clock.now());
    else if (m.type === "row") tableRow(m.row);
    else if (m.type === "row_gone") rowGone(m.id);
    else if (m.type === "store") store.value = m;
    else if (m.type === "alarm") tell(m.sentence, m.level, new Date(m.at_utc));
    else if (m.type === "error") tell(m.sentence);
    else if (m.type === "epoch") newEpoch(m.epoch, m.cause, m.at_s, m.streams);
    heardS.value = clock.now();
  });
}

function oneStep(told: Step): void {
  const known = steps.value.some((s) => s.id === told.id);
  if (known) steps.value = steps.value.map((s) => (s.id === told.id ? told : s));
  if (step.value?.id === told.id) underElectrodes(told);
  // a new one stands where the service puts it: the `study` frame brings the order
  if (!known) void loadStudy();
}

function newEpoch(epoch: number, cause: string, atS: number, told: Stream[]): void {
  if (told.length > 0) streams.value = told;
  void loadStudy();
  tell(`new epoch ${epoch}: ${cause}`, "note", clock.utc(atS));
}

/** Samples arrived: the newest sample's age starts again from the service's own time. */
export function framed(serverS: number): void {
  clock.heard(serverS);
  heardNow(serverS);
}

let lastFrameS = 0;
/** Newest server time carried by a block: the heartbeat follows it, not the page's clock. */
export function heartbeatS(): number {
  return lastFrameS;
}
function heardNow(serverS: number): void {
  if (serverS > lastFrameS || lastFrameS - serverS > 5) lastFrameS = serverS;
}
/** Four times a second: fold what frames told into the signals. */
export function beat(): void {
  batch(() => {
    tick.value += 1;
    const told = device.value;
    if (!told || lastFrameS === 0) return;
    if (told.newestS === null || lastFrameS > told.newestS) device.value = { ...told, newestS: lastFrameS };
    if (heardS.value === null || lastFrameS > heardS.value) heardS.value = lastFrameS;
  });
}
