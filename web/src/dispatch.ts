// Key presses to actions. Registered in the capture phase, so that nothing can keep STOP from it.
import { actionFor, placeOf, type Action } from "./keys";
import { nextMuscle } from "./bedside/muscle";
import { declared, trainRuns } from "./bedside/train";
import { arm, armedHere, disarm, endTrain, fire, include, intensity, markEpoch, stepWidth, stop, toggleHunt } from "./state/actions";
import { settleAll } from "./state/edits";
import { tell } from "./state/events";
import { moveReview } from "./state/review";
import { groupHere, rowHere, shown } from "./state/shown";
import { moveStep, repeatStep } from "./state/stepping";
import { stimulatorState, studyId } from "./state/study";
import { sweeps } from "./state/sweeps";
import { redo, undo } from "./state/undo";
import { absentKey } from "./table/absent";
import { conditionKey, exerciseKey } from "./table/condition";
import { correctKey } from "./table/correct";
import { distanceId } from "./table/distance";
import { moveRow } from "./table/whole";
import {
  askPain, askSkip, askStep, centre, chosenMarker, chosenSite, GAINS_UV, gainUv, showEvents, showHalves, showKeys, stepIn, SWEEP_GAINS_MV, SWEEP_TIMES_MS, sweepGainMv, sweepMode, sweepTimeMs, timeMs, TIMES_MS, toggleTheme,
} from "./state/view";
import { automatic, flagsOf, moveFlag, selectedFlag } from "./trace/markers";
import { freeze } from "./trace/strip";
import { modeNow, modesOf } from "./trace/triggered";

const ARM_HOLD_MS = 600;
const BIG_MS = 0.5;
const PEDAL = "F9";
const TENTH_MS = 0.1;
let holding: ReturnType<typeof setTimeout> | null = null;

function armKey(): void {
  const state = stimulatorState.value;
  if (state === "armed" || state === "firing" || state === "unknown") return void disarm();
  holding ??= setTimeout(() => { holding = null; void arm(declared.value); }, ARM_HOLD_MS);
}

function site(by: 1 | -1): void {
  const { rows } = shown.value;
  const at = rows.findIndex((r) => r.site === chosenSite.value);
  chosenSite.value = rows[(at + by + rows.length) % Math.max(1, rows.length)]?.site ?? chosenSite.value;
}

/** The selected marker, by one sample where no size is given. */
function marker(by: -1 | 0 | 1, sizeMs: number | null = null): void {
  const flags = flagsOf(shown.value.rows);
  const flag = selectedFlag(flags);
  if (!flag) return;
  if (by === 0) automatic(flag);
  else moveFlag(flag, flag.ms + by * (sizeMs ?? 1000 / flag.rateHz), flags);
}

function excludeLast(): void {
  const last = groupHere.value?.sweeps.at(-1) ?? sweeps.value.at(-1);
  if (last) void include(last, !last.text.included);
  else tell("no sweep to exclude");
}

function distance(): void {
  const row = rowHere.value;
  const field = row ? document.getElementById(distanceId(row)) : null;
  if (field) field.focus();
  else tell("distance: this row has none; stimulate first");
}

/** A study is looked at that may not be the one at the bed: no key may change the one at the bed meanwhile. */
const looking = () => location.hash.endsWith("/review");
const LOOKING: ReadonlySet<Action> = new Set(["stop", "rowDown", "rowUp", "sweepMode", "board", "events", "theme", "help"]);

function nextMode(): void {
  if (looking()) {
    sweepMode.value = sweepMode.value === "raster" ? "superimpose" : "raster";
    return;
  }
  const modes = modesOf(shown.value.measure);
  sweepMode.value = modes[(modes.indexOf(modeNow()) + 1) % modes.length] ?? "superimpose";
}

function board(): void {
  const home = `#/study/${encodeURIComponent(studyId.value)}`;
  location.hash = location.hash.endsWith("/board") ? home : `${home}/board`;
}

const select = (n: number) => { chosenMarker.value = chosenMarker.value === n ? null : n; };

const DOES: Record<Action, () => void> = {
  stop: () => void stop(),
  fire: () => void fire(),
  arm: armKey,
  intensityUp: () => void intensity(1),
  intensityDown: () => void intensity(-1),
  intensityUpFast: () => void intensity(5),
  intensityDownFast: () => void intensity(-5),
  wider: () => void stepWidth(1),
  narrower: () => void stepWidth(-1),
  undo: () => void settleAll().then(undo),
  redo: () => void redo(),
  sweepGainUp: () => { sweepGainMv.value = stepIn(SWEEP_GAINS_MV, sweepGainMv.value, -1); },
  sweepGainDown: () => { sweepGainMv.value = stepIn(SWEEP_GAINS_MV, sweepGainMv.value, 1); },
  sweepSlower: () => { sweepTimeMs.value = stepIn(SWEEP_TIMES_MS, sweepTimeMs.value, 1); },
  sweepFaster: () => { sweepTimeMs.value = stepIn(SWEEP_TIMES_MS, sweepTimeMs.value, -1); },
  sweepLength: () => document.getElementById("sweep-length")?.focus(),
  gainUp: () => { gainUv.value = stepIn(GAINS_UV, gainUv.value, -1); },
  gainDown: () => { gainUv.value = stepIn(GAINS_UV, gainUv.value, 1); },
  timeSlower: () => { timeMs.value = stepIn(TIMES_MS, timeMs.value, 1); },
  timeFaster: () => { timeMs.value = stepIn(TIMES_MS, timeMs.value, -1); },
  freeze,
  sweepMode: nextMode,
  nextStep: () => moveStep(1),
  previousStep: () => moveStep(-1),
  nextSite: () => site(1),
  previousSite: () => site(-1),
  nextMuscle,
  marker1: () => select(1),
  marker2: () => select(2),
  marker3: () => select(3),
  markerAutomatic: () => marker(0),
  markerLeft: () => marker(-1),
  markerRight: () => marker(1),
  markerLeftFast: () => marker(-1, BIG_MS),
  markerRightFast: () => marker(1, BIG_MS),
  markerLeftTenth: () => marker(-1, TENTH_MS),
  markerRightTenth: () => marker(1, TENTH_MS),
  repeat: () => void repeatStep(),
  skip: () => { askSkip.value = !askSkip.value; },
  addStep: () => { askStep.value = !askStep.value; },
  pain: () => { askPain.value = !askPain.value; },
  epoch: () => void markEpoch(),
  hunt: () => void toggleHunt(),
  correct: correctKey,
  condition: conditionKey,
  exercise: exerciseKey,
  halves: () => { showHalves.value = !showHalves.value; },
  noResponse: absentKey,
  distance,
  table: () => { centre.value = centre.value === "table" ? "triggered" : "table"; },
  rowDown: () => (looking() ? moveReview(1) : moveRow(1)),
  rowUp: () => (looking() ? moveReview(-1) : moveRow(-1)),
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
    // A declared train ends at any key but the one still held down that began it.
    if (trainRuns.value && armedHere.value && action !== "stop") {
      e.preventDefault();
      e.stopPropagation();
      if (!e.repeat) void endTrain();
      return;
    }
    if (action === null || (looking() && !LOOKING.has(action))) return;
    e.preventDefault();
    if (action === "stop" && e.repeat) return;
    DOES[action]();
  }, { capture: true });
  addEventListener("keyup", (e) => {
    // The pedal let go ends the train that it began; the space bar is pressed and let go at once.
    if (e.key === PEDAL && trainRuns.value && armedHere.value) void endTrain();
    if (e.key.toLowerCase() !== "a" || holding === null) return;
    clearTimeout(holding);
    holding = null;
    tell("arm: hold the key for 0.6 s");
  }, { capture: true });
}
