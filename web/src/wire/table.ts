// Protocols, studies, steps and rows of docs/protocols/study.md, as the page reads them.
import type { Measurement, SweepText } from "./messages";

export type Side = "left" | "right";
export type TrainKind = "f" | "h" | "rns" | "scan";
export interface TrainPlan { kind: TrainKind; count: number; rate_hz: number; ceiling_count: number; note: string }
export interface Electrodes { e1: string; e2: string; ground: string }

/** What is under the electrodes; what only a step of the list has is absent where the placement is on its own. */
export interface Step {
  nerve: string; site: string; side: string; muscle: string; id?: string; label?: string; measure?: string;
  channel?: string | null; montage?: Electrodes; stimulate?: string; filter_hz?: [number, number]; sweep_ms?: number | null; record_ms?: number | null;
  gain_uv?: number | null; distance_mm?: number | null; width_us?: number | null; train?: TrainPlan | null; needs?: string | null;
  note?: string; state?: "open" | "done" | "skipped"; reason?: string | null; run?: number; rows?: string[]; added?: boolean;
}
export interface Protocol { id: string; title: string; about: string; sides: Side[]; steps: Step[] }
export interface StudyLine {
  id: string; patient: string; visit: string; operator: string; protocol: string; state: "open" | "closed"; opened_utc: string;
  current: boolean; steps: { open: number; done: number; skipped: number }; sweeps: number;
  closed_utc?: string | null; recordings?: { file: string; opened_utc: string }[];
}
export interface Edit { id: number; at_utc: string; by: string; what: string; target: string; from: unknown; to: unknown }

export interface RowLimit {
  op: "min" | "max"; value: number; unit: string; percentile: number | null; source: string; verified: boolean; table: string;
}
export interface OtherSide { row: string; value: number; difference: number; percent: number | null }
export interface RowValue {
  quantity: string; value: number; unit: string; low: number | null; high: number | null;
  state: "normal" | "abnormal" | "borderline" | "unknown"; limit: RowLimit | null; z: number | null; reasons: string[];
  other_side: OtherSide | null;
}
export interface Gate { gate: string; sentence: string; falsifies: string[] }
/** One line of the table. Marker indices are samples of its average. */
export interface RowText {
  id: string; step: string; measure: string; nerve: string; site: string; side: string; muscle: string; channel: string | null; run: number;
  revision: number; sweeps: string[]; used: string[]; current_ma: number | null; width_us: number | null; rate_hz: number;
  zero_index: number; measurement: Measurement; automatic: boolean; edit_note: string | null;
  supramaximal: { proven: boolean; sentence: string; from_ma: number | null } | null;
  distance_mm: number | null; distance_to: string; temperature_c: number | null; temperature_where: string;
  values: RowValue[]; gates: Gate[]; hints: string[];
  /** Made of other rows: no sweeps, no markers, no trace. */
  derived?: boolean; inputs?: string[];
  /** In the row, but left out of its average as an artefact. */
  rejected?: { sweep: string; why: string }[];
  /** Between two trains: so long after the stimulus of a sweep. */
  exercise_ended?: { sweep: string; since_s: number } | null;
  /** Of MUNIX: epochs in the order of the items, and whether the examiner saw maximal effort. */
  epochs?: string[]; maximal_effort?: boolean | null;
  current_stated?: boolean; flexion_deg?: number | null; after_exercise_s?: number | null;
}
/** All of a study, to be looked at. */
export interface Reviewed { study: StudyLine; steps: Step[]; sweeps: SweepText[]; rows: RowText[]; edits: Edit[] }
