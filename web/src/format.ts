// The only maker of numbers on the page. Form per quantity, unit after a no-break space.

const NBSP = "\u00a0";
const THIN = "\u202f";
const MINUS = "\u2212";
export const NOT_MEASURED = "–";

export type Quantity =
  | "latency_ms" | "late_latency_ms" | "duration_ms" | "span_ms" | "cmap_mv" | "area_mv_ms" | "emg_uv" | "current_ma"
  | "sweep_ms" | "pulse_us" | "temperature_c" | "distance_mm" | "percent" | "velocity_m_s" | "rate_hz" | "frequency_hz"
  | "age_s" | "age_years" | "height_cm" | "gain_uv" | "gain_mv" | "timebase_ms" | "count" | "charge_uc" | "fraction"
  | "ratio" | "power_mv2_ms" | "z" | "angle_deg" | "exercise_s";

interface Form {
  unit: string;
  digits(value: number): number;
}

const fixed = (digits: number) => () => digits;
const FORMS: Record<Quantity, Form> = {
  latency_ms: { unit: "ms", digits: fixed(2) },
  late_latency_ms: { unit: "ms", digits: fixed(1) },
  duration_ms: { unit: "ms", digits: fixed(2) },
  span_ms: { unit: "ms", digits: fixed(1) },
  cmap_mv: { unit: "mV", digits: (v) => (Math.abs(v) < 1 ? 2 : 1) },
  area_mv_ms: { unit: "mV·ms", digits: (v) => (Math.abs(v) < 1 ? 2 : 1) },
  power_mv2_ms: { unit: "mV²·ms", digits: fixed(0) },
  emg_uv: { unit: "µV", digits: (v) => (Math.abs(v) < 10 ? 1 : 0) },
  current_ma: { unit: "mA", digits: fixed(1) },
  sweep_ms: { unit: "ms", digits: fixed(0) },
  pulse_us: { unit: "µs", digits: fixed(0) },
  temperature_c: { unit: "°C", digits: fixed(1) },
  distance_mm: { unit: "mm", digits: fixed(0) },
  percent: { unit: "%", digits: fixed(0) },
  velocity_m_s: { unit: "m/s", digits: fixed(0) },
  rate_hz: { unit: "Hz", digits: fixed(0) },
  frequency_hz: { unit: "Hz", digits: (v) => (Math.abs(v) < 1 ? 2 : 1) },
  age_years: { unit: "years", digits: fixed(0) },
  height_cm: { unit: "cm", digits: fixed(0) },
  age_s: { unit: "s", digits: (v) => (v < 10 ? 2 : 0) },
  gain_uv: { unit: "µV/div", digits: fixed(0) },
  gain_mv: { unit: "mV/div", digits: (v) => (v < 1 ? 2 : 0) },
  timebase_ms: { unit: "ms/div", digits: (v) => (v < 1 ? 1 : 0) },
  count: { unit: "", digits: fixed(0) },
  charge_uc: { unit: "µC", digits: fixed(1) },
  fraction: { unit: "", digits: fixed(2) },
  ratio: { unit: "", digits: fixed(2) },
  z: { unit: "", digits: fixed(1) },
  angle_deg: { unit: "°", digits: fixed(0) },
  exercise_s: { unit: "s", digits: fixed(0) },
};

/** The unit of a quantity, for a column head. */
export function unitOf(quantity: Quantity): string {
  return FORMS[quantity].unit;
}

/** The number alone, for a column whose head carries the unit. Null is "not measured". */
export function number(quantity: Quantity, value: number | null | undefined, digits?: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOT_MEASURED;
  const shown = Math.abs(value).toFixed(digits ?? FORMS[quantity].digits(value));
  const [whole = "0", decimals] = shown.split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole;
  const sign = value < 0 && Number(shown) !== 0 ? MINUS : "";
  return sign + grouped + (decimals === undefined ? "" : `.${decimals}`);
}

/** Number and unit. */
export function format(quantity: Quantity, value: number | null | undefined): string {
  const shown = number(quantity, value);
  const { unit } = FORMS[quantity];
  return shown === NOT_MEASURED || unit === "" ? shown : shown + NBSP + unit;
}

const ENDINGS: readonly (readonly [string, Quantity])[] = [
  ["_mv2_ms", "power_mv2_ms"], ["epoch_ms", "span_ms"], ["_mv_ms", "area_mv_ms"], ["_m_s", "velocity_m_s"], ["_latency_ms", "latency_ms"], ["f_min_ms", "late_latency_ms"], ["f_mean_ms", "late_latency_ms"],
  ["f_max_ms", "late_latency_ms"], ["f_estimate_ms", "late_latency_ms"], ["chronodispersion_ms", "late_latency_ms"], ["_ms", "duration_ms"],
  ["_mv", "cmap_mv"], ["_uv", "emg_uv"], ["_percent", "percent"], ["_ma", "current_ma"], ["_mm", "distance_mm"], ["_hz", "frequency_hz"],
  ["_count", "count"], ["_deg", "angle_deg"], ["munix", "count"], ["_share", "fraction"],
];
/** The form of a quantity of the table, by the ending that names its unit; without one it is a bare ratio. */
export function quantityOf(name: string): Quantity {
  return ENDINGS.find(([ending]) => name.endsWith(ending))?.[1] ?? "ratio";
}

/** What may be typed as a millimetre, milliampere or second: a comma is a point. Null: no number. */
export function typedNumber(text: string): number | null {
  const told = Number(text.trim().replace(",", "."));
  return text.trim() === "" || !Number.isFinite(told) ? null : told;
}

/** Latencies of a slow stream carry no second decimal: never more digits than the rate supports. */
export function latencyDigits(rateHz: number): number {
  return rateHz >= 10_000 ? 2 : rateHz >= 1_000 ? 1 : 0;
}

/** Whole seconds as minutes and seconds, 12:34 (1:02:03 above an hour). */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const pad = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(s / 60);
  return minutes < 60
    ? `${pad(minutes)}:${pad(s % 60)}`
    : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(s % 60)}`;
}

/** Age in words: "now" up to 2 s, then "6 s ago", then the value is gone: "no data for 1 min". */
export function ageWords(seconds: number): string {
  if (seconds <= 2) return "now";
  if (seconds <= 60) return `${Math.floor(seconds)}${NBSP}s ago`;
  return `no data for ${Math.floor(seconds / 60)}${NBSP}min`;
}

/** Time of day of a UTC instant in the viewer's zone, 14:32:08. */
export function timeOfDay(utc: Date): string {
  const pad = (n: number) => String(n).padStart(2, "0");
  return `${pad(utc.getHours())}:${pad(utc.getMinutes())}:${pad(utc.getSeconds())}`;
}

/** Bytes as kB, MB or GB. */
export function bytes(n: number): string {
  const steps: [number, string][] = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]];
  for (const [size, unit] of steps) if (n >= size) return `${(n / size).toFixed(1)}${NBSP}${unit}`;
  return `${n.toFixed(0)}${NBSP}B`;
}
