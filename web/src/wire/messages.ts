// Text messages of docs/protocols/live.md, as the page reads them.
import type { RowText, Step } from "./table";

export type LinkState = "connecting" | "live" | "stalled" | "lost" | "stopped";
export interface Channel { label: string; kind: string; unit: string; muscle: string | null }
export interface Stream { name: string; rate_hz: number; channels: Channel[] }
export interface Permission { study: string; allowance: "yes" | "limited" | "no"; reason: string }
export interface DeviceState {
  id: string; state: LinkState; sentence: string; rate_hz: number | null; received: number; lost: number;
  rejected: number; age_s: number | null; since_s: number; epoch: number | null;
}
export interface DeviceHello {
  id: string; model: string; driver: string; state: LinkState | DeviceState; permissions: Permission[]; streams: Stream[];
}
export interface MuscleInfo {
  key: string; name: string; side: string; nerve: string; roots: string | string[]; region: string;
  channel: string | null; device: string | null; stream: string | null;
}
export interface Preset { id: string; label: string }
export interface StimulatorState {
  state: "safe" | "armed" | "firing" | "stopped" | "unknown" | "none";
  current_ma: number; width_us: number; expires_in_s: number | null; sentence: string; ceiling_ma: number; longest_us?: number;
  nerve: string | null; site: string | null; side: string | null; muscle: string | null; delivered_count: number;
  implant?: "none" | "present" | "not_known" | null; train?: string | null;
  /** Who sets the current and who fires; stated: what was typed is not measured; hunting: sweeps are shown and not kept. */
  kind?: "controlled" | "triggered" | "manual"; stated?: string | null; hunting?: boolean;
}
export interface RecordingState {
  state: "recording" | "off" | "failed"; seconds: number; bytes: number; sentence: string; path_name: string;
}
export interface Item {
  family: string; state: "abnormal" | "normal" | "borderline" | "unknown"; sentence: string;
  measurement_id: string | null; progress: [number, number] | null; would_change_grade: boolean; counted: boolean;
}
export type Grade = "insufficient" | "none" | "possible" | "probable" | "definite";
export interface Indicator {
  axis: "umn" | "lmn"; grade: Grade; attribution: "clear" | "uncertain";
  items_for: Item[]; items_against: Item[]; missing: Item[]; rule: string; severity: string;
}
/** What a lead may suffer from; the names are the service's. */
export type LeadFault = "lead_off" | "saturated" | "mains" | "elsewhere";
export interface Card { muscle: string; umn: Indicator; lmn: Indicator; lead?: LeadFault[]; revision?: number }
/** `index`: where it stands; `automatic_index`: where the detector put it; `by`: `automatic` or initials. */
export interface Marker { name: string; index: number; automatic_index?: number; by?: string; at_utc?: string | null }
export interface Measurement {
  id: string; measure: string; state: "measured" | "absent" | "not_assessable"; reasons: string[];
  values: Record<string, number>; markers: Marker[]; detector?: string; version: string;
  items?: Record<string, unknown>[]; supersedes?: string | null;
}
export interface Place { measure: string; nerve: string; site: string; side: string; muscle: string }
export interface SweepText {
  id: string; number?: number; device: string; stream: string; epoch: number; nerve: string; site: string; side: string;
  muscle: string; channel: string; channels: string[]; rate_hz: number; zero_index: number; count: number;
  gap: boolean; included: boolean; at_utc: string; current_ma: number | null; measurement: Measurement | null;
  measure?: string; row?: string | null; run?: number; corrected?: { from?: Partial<Place>; by: string; at_utc: string } | null;
  /** Given to find the place: told once, in no row. */
  hunting?: boolean; current_stated?: boolean;
  /** An epoch of effort: one channel, no stimulus, no time zero. */
  voluntary?: boolean;
  average: { sweeps: number; measurement: Measurement | null } | null;
}
/** What an epoch of effort would be now: areas in mV·ms; left_out: why it would not be accepted, else empty. */
export interface EffortText {
  row: string; area_mv_ms: number; icmuc: number | null; left_out: string; least_mv_ms: number; full_mv_ms: number | null;
}
/** Null is not known: limits that need it are then not applied. */
export interface Subject { age_years: number | null; sex: "F" | "M" | null; height_cm: number | null }
export interface StudyState {
  patient: string; id?: string; task: string; step: Step | null; steps: Step[]; temperature_c: number | null; subject: Subject;
  visit?: string; operator?: string; protocol?: string; state?: string; temperatures?: Record<string, number>;
}
export interface Hello {
  type: "hello"; seq: number; protocol: number; version: string; server_s: number; utc: string; client: string;
  mode: "live" | "replay" | "simulated"; study: Partial<StudyState>; devices: DeviceHello[]; muscles: MuscleInfo[];
  presets: Preset[]; stimulator: StimulatorState | null; recording: RecordingState | null; cards: Card[]; steps: Step[];
  rows?: RowText[]; store?: StoreState;
}
export interface StoreState { state: "kept" | "failed" | "off"; sentence: string }
export interface ViewReply {
  type: "view"; view: number; request: string | number | null; device: string; stream: string; channels: string[]; preset: string;
  columns_per_s: number; rate_hz: number; decimation: number; epoch: number | null; next_index: number;
  settling_samples: number;
}
export interface GapText {
  type: "gap"; device: string; stream: string; epoch: number; first_missing: number; count: number; at_s: number;
  cause?: string; view?: number;
}
export interface EpochText { type: "epoch"; device: string; epoch: number; cause: string; opened_utc: string; at_s: number; streams: Stream[] }

export type Text =
  | Hello
  | { type: "state"; device: DeviceState }
  | ({ type: "stimulator" } & StimulatorState)
  | ({ type: "recording" } & RecordingState)
  | ({ type: "study" } & Partial<StudyState>)
  | { type: "viewers"; count: number }
  | GapText
  | EpochText
  | { type: "trigger"; device: string; stream: string; epoch: number; index: number; line: string; at_s: number }
  | ({ type: "sweep" } & SweepText)
  | ({ type: "card" } & Card)
  | { type: "step"; step: Step }
  | { type: "row"; row: RowText }
  | ({ type: "effort" } & EffortText)
  | { type: "row_gone"; id: string }
  | ({ type: "store" } & StoreState)
  | { type: "alarm"; level: "lost" | "not_on_disk" | "armed" | "stopped" | "note"; sentence: string; at_utc: string }
  | ViewReply
  | { type: "pong"; t: number; server_s: number }
  | { type: "ack"; request: string | number }
  | { type: "error"; request?: string | number; sentence: string };

/** True for a text whose samples follow as a binary frame, and for rows: nerve, site, side, muscle. */
export function rowKey(s: { nerve: string; site: string; side: string; muscle: string }): string {
  return `${s.nerve}|${s.site}|${s.side}|${s.muscle}`;
}
