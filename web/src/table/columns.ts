// Which quantities a measure's table shows beside its place; every other one is in the row's detail.
import type { RowText } from "../wire/table";

export interface Column { head: string; keys: readonly string[] }
const column = (head: string, ...keys: string[]): Column => ({ head, keys });
const MOTOR: readonly Column[] = [
  column("Onset", "onset_latency_ms"), column("Amplitude", "amplitude_mv"), column("Drop", "amplitude_drop_percent"),
  column("Area", "area_mv_ms"), column("Duration", "duration_ms"),
];
const OF: Record<string, readonly Column[]> = {
  motor_response: MOTOR,
  sensory_response: [
    column("Onset", "onset_latency_ms"), column("Peak", "peak_latency_ms"), column("O–P", "onset_to_peak_uv"), column("P–P", "peak_to_peak_uv"),
  ],
  f_wave: [
    column("F min", "f_min_ms"), column("F mean", "f_mean_ms"), column("Persistence", "persistence_percent"), column("Dispersion", "chronodispersion_ms"),
    column("F/M", "f_m_all_percent"),
  ],
  h_reflex: [column("H latency", "h_latency_ms"), column("H max", "h_max_mv"), column("M max", "m_max_mv"), column("H/M", "h_m_ratio")],
  rns: [
    column("First", "amplitude_mv"), column("4th", "decrement_4_percent"), column("5th", "decrement_5_percent"), column("Largest", "decrement_max_percent"),
    column("After exercise", "exercise_decrement_max_percent"),
  ],
  cmap_scan: [
    column("Maximum", "maximum_mv"), column("S5", "s5_ma"), column("S50", "s50_ma"), column("S95", "s95_ma"), column("D50", "d50_count"),
    column("Units", "scan_unit_count"),
  ],
  munix: [column("CMAP", "cmap_amplitude_mv"), column("MUNIX", "munix"), column("MSIX", "msix_uv"), column("Epochs", "accepted_count")],
  mune: [column("Units", "unit_count"), column("Mean unit", "mean_unit_uv")],
  median_comparison: [
    column("Ring finger", "ring_finger_difference_ms"), column("Palm", "palm_difference_ms"), column("Thumb", "thumb_difference_ms"),
    column("L2–INT", "lumbrical_interosseous_difference_ms"), column("Combined", "combined_sensory_index_ms"),
  ],
  split_hand: [column("Split hand index", "split_hand_index_mv")],
  across_elbow: [
    column("Forearm", "forearm_velocity_m_s"), column("Across", "across_velocity_m_s"), column("Slower by", "velocity_drop_m_s"),
    column("Drop", "across_amplitude_drop_percent"),
  ],
  side_to_side: [
    column("Ratio", "amplitude_ratio"), column("Smaller by", "amplitude_drop_percent"), column("Onset, L − R", "onset_latency_difference_ms"),
    column("Peak, L − R", "peak_latency_difference_ms"),
  ],
  f_side_to_side: [column("F min, L − R", "f_min_difference_ms")],
  h_side_to_side: [column("H, L − R", "h_latency_difference_ms")],
  exercise_increment: [
    column("Amplitude", "amplitude_increment_percent"), column("Area", "area_increment_percent"), column("Duration", "duration_change_percent"),
  ],
};

export function columnsOf(measure: string): readonly Column[] {
  return OF[measure] ?? [];
}

/** Measures made of other rows: they stand for themselves, beside no other side. */
export const DERIVED: ReadonlySet<string> = new Set(["median_comparison", "split_hand", "across_elbow", "side_to_side", "f_side_to_side", "h_side_to_side", "exercise_increment"]);

/** Measures whose rows have a distance, and so may have a velocity. */
export const HAS_DISTANCE: ReadonlySet<string> = new Set(["motor_response", "sensory_response", "f_wave"]);
export const VELOCITY: Record<string, string> = { motor_response: "velocity_m_s", sensory_response: "velocity_m_s", f_wave: "f_velocity_m_s" };
/** The quantity in which the sides are compared at a glance. */
export const COMPARED: Record<string, string> = {
  motor_response: "amplitude_mv", sensory_response: "onset_to_peak_uv", f_wave: "f_min_ms", h_reflex: "h_latency_ms", munix: "munix",
};

const WORDS: Record<string, string> = {
  ring_finger_difference_ms: "ring finger, median − ulnar", palm_difference_ms: "palm, median − ulnar", thumb_difference_ms: "thumb, median − radial",
  lumbrical_interosseous_difference_ms: "lumbrical − interosseous", combined_sensory_index_ms: "combined sensory index", split_hand_index_mv: "split hand index",
  velocity_drop_m_s: "slower across the elbow by", across_amplitude_drop_percent: "amplitude drop across",
  amplitude_mv: "amplitude", onset_latency_ms: "onset", peak_latency_ms: "peak", area_mv_ms: "area", duration_ms: "duration",
  velocity_m_s: "velocity", onset_to_peak_uv: "onset to peak", peak_to_peak_uv: "peak to peak", amplitude_drop_percent: "amplitude drop",
  area_drop_percent: "area drop", duration_increase_percent: "duration increase", f_m_all_percent: "F/M, all stimuli",
  f_m_present_percent: "F/M, where an F was", h_m_ratio: "H/M", munix: "MUNIX", msix_uv: "MSIX", scan_unit_count: "units", f_min_ms: "F min",
  epoch_count: "epochs", accepted_count: "epochs accepted", epoch_ms: "length of an epoch", exponent_value: "slope of the fit", r_squared_share: "R² of the fit",
  area_span_ratio: "largest / smallest area", effort_ratio: "largest epoch / CMAP area", cmap_amplitude_mv: "CMAP amplitude", cmap_area_mv_ms: "CMAP area", cmap_power_mv2_ms: "CMAP power",
  f_mean_ms: "F mean", f_max_ms: "F max", persistence_percent: "persistence",
};
const UNIT_END = /_(mv2_ms|mv_ms|m_s|ms|mv|uv|percent|ma|mm|hz|count|share|ratio|index)$/;
export function quantityWords(quantity: string): string {
  return WORDS[quantity] ?? quantity.replace(UNIT_END, "").replaceAll("_", " ");
}

/** Measures present in a table, in the order of its rows. */
export function measuresOf(rows: readonly RowText[]): string[] {
  return [...new Set(rows.map((row) => row.measure))];
}
