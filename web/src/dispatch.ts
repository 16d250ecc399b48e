// Key presses to actions. Registered in the capture phase, so that nothing can keep STOP from it.
import { actionFor, placeOf, type Action } from "./keys";
import { nextMuscle } from "./bedside/muscle";
import { moveStep } from "./bedside/steps";
import { arm, disarm, fire, include, intensity, stop } from "./state/actions";
import { tell } from "./state/events";
import { stimulatorState, studyId } from "./state/study";
import { sweeps } from "./state/sweeps";
import {
  centre, chosenMarker, chosenSite, GAINS_UV, gainUv, showEvents, showKeys, stepIn, sweepMode, timeMs, TIMES_MS, toggleTheme,
} from "./state/view";
import { automatic, flagsOf, moveFlag, selectedFlag } from "./trace/markers";
import { freeze } from "./trace/strip";
import { shownRows } from "./trace/triggered";

const ARM_HOLD_MS = 600;
const BIG_MS = 0.5;
let holding: ReturnType<typeof setTimeout> | null = null;

function armKey(): void {
  const state = stimulatorState.value;
  if (state === "armed" || state === "firing" || state === "unknown") return void disarm();
  holding ??= setTimeout(() => { holding = null; void arm(); }, ARM_HOLD_MS);
}

function site(by: 1 | -1): void {
  const { rows } = shownRows();
  const at = rows.findIndex((r) => r.site === chosenSite.value);
  chosenSite.value = rows[(at + by + rows.length) % Math.max(1, rows.length)]?.site ?? chosenSite.value;
}

function marker(by: -1 | 0 | 1, big: boolean): void {
  const flags = flagsOf(shownRows().rows);
  const flag = selectedFlag(flags);
  if (!flag) return;
  if (by === 0) automatic(flag);
  else moveFlag(flag, flag.ms + by * (big ? BIG_MS : 1000 / flag.row.newest.rate_hz), flags);
}

function excludeLast(): void {
  const key = shownRows().rows.find((r) => r.site === chosenSite.value) ?? shownRows().rows.at(-1);
  const last = key?.sweeps.at(-1) ?? sweeps.value.at(-1);
  if (last) void include(last, !last.text.included);
  else tell("no sweep to exclude");
}

function board(): void {
  const home = `#/study/${encodeURIComponent(studyId.value)}`;
  location.hash = location.hash.endsWith("/board") ? home : `${home}/board`;
}

const MODES = ["superimpose", "raster", "cascade"] as const;
const select = (n: number) => { chosenMarker.value = chosenMarker.value === n ? null : n; };

const DOES: Record<Action, () => void> = {
  stop: () => void stop(),
  fire: () => void fire(),
  arm: armKey,
  intensityUp: () => void intensity(1),
  intensityDown: () => void intensity(-1),
  intensityUpFast: () => void intensity(5),
  intensityDownFast: () => void intensity(-5),
  gainUp: () => { gainUv.value = stepIn(GAINS_UV, gainUv.value, -1); },
  gainDown: () => { gainUv.value = stepIn(GAINS_UV, gainUv.value, 1); },
  timeSlower: () => { timeMs.value = stepIn(TIMES_MS, timeMs.value, 1); },
  timeFaster: () => { timeMs.value = stepIn(TIMES_MS, timeMs.value, -1); },
  freeze,
  sweepMode: () => { sweepMode.value = MODES[(MODES.indexOf(sweepMode.value) + 1) % MODES.length] ?? "superimpose"; },
  nextStep: () => moveStep(1),
  previousStep: () => moveStep(-1),
  nextSite: () => site(1),
  previousSite: () => site(-1),
  nextMuscle,
  marker1: () => select(1),
  marker2: () => select(2),
  marker3: () => select(3),
  markerAutomatic: () => marker(0, false),
  markerLeft: () => marker(-1, false),
  markerRight: () => marker(1, false),
  markerLeftFast: () => marker(-1, true),
  markerRightFast: () => marker(1, true),
  exclude: excludeLast,
  temperature: () => document.getElementById("temperature")?.focus(),
  board,
  centre: () => { centre.value = centre.value === "scope" ? "triggered" : "scope"; },
  events: () => { showEvents.value = !showEvents.value; },
  theme: toggleTheme,
  help: () => { showKeys.value = !showKeys.value; },
};

export function dispatchKeys(): void {
  addEventListener("keydown", (e) => {
    const action = actionFor(e, placeOf(e.target));
    if (action === null) return;
    e.preventDefault();
    if (action === "stop" && e.repeat) return;
    DOES[action]();
  }, { capture: true });
  addEventListener("keyup", (e) => {
    if (e.key.toLowerCase() !== "a" || holding === null) return;
    clearTimeout(holding);
    holding = null;
    tell("arm: hold the key for 0.6 s");
  }, { capture: true });
}
