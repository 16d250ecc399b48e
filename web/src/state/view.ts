// How this viewer looks at things: gain, timebase, filter, freeze, cursors. Never sent to the service
// but for the view it needs; two viewers may look differently at the same signal.
import { computed, signal } from "@preact/signals";

export const GAINS_UV = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
export const TIMES_MS = [5, 10, 20, 50, 100, 200, 500, 1000];
export const SWEEP_GAINS_MV = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
export const SWEEP_TIMES_MS = [0.5, 1, 2, 3, 5, 10, 20, 25, 30, 50, 100, 120];
export const DIVISIONS_X = 10;
export const DIVISIONS_Y = 8;

export type CentreMode = "triggered" | "scope" | "table";
export type SweepMode = "superimpose" | "raster" | "cascade" | "picture";

/** Eight rows hold 15 % of effort within themselves; fixed, never fitted to the signal. */
export const gainUv = signal(1000);
export const timeMs = signal(100);
export const preset = signal("surface");
export const notch = signal<50 | 60>(50);
export const frozenAt = signal<number | null>(null);
/** Cursor places as fractions of the frozen picture's width. */
export const cursors = signal<[number, number]>([0.3, 0.6]);
export const centre = signal<CentreMode>("triggered");
export const sweepMode = signal<SweepMode>("superimpose");
export const sweepGainMv = signal(5);
export const sweepTimeMs = signal(3);
/** How far a raster that is higher than its plot is scrolled down. */
export const rasterTopPx = signal(0);
export const chosenMuscle = signal<string | null>(null);
export const chosenSite = signal<string | null>(null);
export const chosenMarker = signal<number | null>(null);
/** Gain of the onset's own inset, µV per division. */
export const onsetGainUv = signal(100);
export const ONSET_GAINS_UV = [10, 20, 50, 100, 200, 500, 1000];
/** Forms at hand in the bedside: nothing covers the page, they take a line of their own. */
export const askAbsent = signal(false);
export const askCorrect = signal(false);
export const askSkip = signal(false);
export const askStep = signal(false);
export const askPain = signal(false);
/** The odd and the even half of each average over it. */
export const showHalves = signal(false);
export const showKeys = signal(false);
export const showEvents = signal(false);
export const windowS = computed(() => (timeMs.value * DIVISIONS_X) / 1000);
export const presetId = computed(() =>
  notch.value === 60 ? `${preset.value}-n60` : preset.value,
);

/** What is shown before the stimulus: one division of ten. */
const BEFORE_DIVISIONS = 1;
/** What every sweep has: only what was lengthened beyond it is fitted into view. */
const ORDINARY_MS = 100;
/** ms per division at which a step is first seen: its own, or as many as show the whole of a sweep that was made longer. */
export function timebaseFor(sweepMs: number, recordMs: number | null | undefined): number {
  const own = sweepMs / DIVISIONS_X;
  const reach = DIVISIONS_X - BEFORE_DIVISIONS;
  if (!recordMs || recordMs <= ORDINARY_MS || own * reach >= recordMs) return own;
  return SWEEP_TIMES_MS.find((ms) => ms * reach >= recordMs) ?? SWEEP_TIMES_MS.at(-1) ?? own;
}

/** The next step of a fixed list, up or down, staying at the ends. */
export function stepIn(list: readonly number[], now: number, by: 1 | -1): number {
  const at = list.findIndex((v) => v >= now);
  const next = Math.min(list.length - 1, Math.max(0, (at < 0 ? list.length - 1 : at) + by));
  return list[next] ?? now;
}

export type Theme = "dark" | "light" | "auto";
export function toggleTheme(): void {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  themeTurns.value += 1;
}
/** Rises when the theme changes, so that canvases read their inks again. */
export const themeTurns = signal(0);
