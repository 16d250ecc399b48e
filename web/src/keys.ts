// One table of keys: the dispatcher reads it and `?` shows it. A footswitch is a keyboard too.

export interface Binding {
  keys: string[];
  does: string;
  action: Action;
  /** Works while held down as well. */
  repeats?: boolean;
}
export type Action =
  | "stop" | "fire" | "arm" | "intensityUp" | "intensityDown" | "intensityUpFast" | "intensityDownFast"
  | "undo" | "redo" | "sweepLength" | "sweepGainUp" | "sweepGainDown" | "sweepSlower" | "sweepFaster" | "wider" | "narrower" | "gainUp" | "gainDown" | "timeSlower" | "timeFaster" | "freeze" | "sweepMode" | "nextStep" | "previousStep"
  | "nextSite" | "previousSite" | "nextMuscle" | "marker1" | "marker2" | "marker3" | "markerAutomatic" | "exclude"
  | "temperature" | "distance" | "noResponse" | "skip" | "repeat" | "addStep" | "pain" | "table" | "rowDown" | "rowUp"
  | "epoch" | "hunt" | "exercise" | "correct" | "condition" | "halves" | "markerLeftTenth" | "markerRightTenth" | "board" | "events" | "centre" | "theme" | "help" | "markerLeft" | "markerRight" | "markerLeftFast" | "markerRightFast";

export const BINDINGS: readonly Binding[] = [
  { keys: ["Escape", "Pause"], does: "STOP, in any field", action: "stop", repeats: true },
  { keys: [" ", "F9"], does: "FIRE (only when armed)", action: "fire" },
  { keys: ["a"], does: "arm (hold 0.6 s) / disarm (at once)", action: "arm" },
  { keys: ["ArrowUp"], does: "intensity +1.0 mA", action: "intensityUp" },
  { keys: ["ArrowDown"], does: "intensity −1.0 mA", action: "intensityDown" },
  { keys: ["Shift+ArrowUp"], does: "intensity +5.0 mA", action: "intensityUpFast" },
  { keys: ["Shift+ArrowDown"], does: "intensity −5.0 mA", action: "intensityDownFast" },
  { keys: ["Shift+W"], does: "pulse wider (current down to the same charge)", action: "wider" },
  { keys: ["Shift+N"], does: "pulse narrower", action: "narrower" },
  { keys: ["+", "="], does: "triggered sweeps: gain up (fewer mV per division)", action: "sweepGainUp" },
  { keys: ["-"], does: "triggered sweeps: gain down", action: "sweepGainDown" },
  { keys: ["z"], does: "triggered sweeps: more ms per division", action: "sweepSlower" },
  { keys: ["Shift+Z"], does: "triggered sweeps: fewer ms per division", action: "sweepFaster" },
  { keys: ["Shift+L"], does: "length of this step's sweeps, ms", action: "sweepLength" },
  { keys: ["g"], does: "gain up (fewer µV per division)", action: "gainUp" },
  { keys: ["Shift+G"], does: "gain down", action: "gainDown" },
  { keys: ["t"], does: "timebase slower", action: "timeSlower" },
  { keys: ["Shift+T"], does: "timebase faster", action: "timeFaster" },
  { keys: ["f"], does: "freeze, with two cursors", action: "freeze" },
  { keys: ["v"], does: "superimpose → raster → cascade → curve", action: "sweepMode" },
  { keys: ["n", "F10"], does: "next open step", action: "nextStep" },
  { keys: ["b"], does: "step before", action: "previousStep" },
  { keys: ["r"], does: "this step again, as a new run", action: "repeat" },
  { keys: ["k"], does: "skip this step, with a reason", action: "skip" },
  { keys: ["u"], does: "add a step", action: "addStep" },
  { keys: ["s"], does: "next site", action: "nextSite" },
  { keys: ["Shift+S"], does: "site before", action: "previousSite" },
  { keys: ["c"], does: "next muscle", action: "nextMuscle" },
  { keys: ["1"], does: "select marker 1, onset", action: "marker1" },
  { keys: ["2"], does: "select marker 2, peak", action: "marker2" },
  { keys: ["3"], does: "select marker 3, end", action: "marker3" },
  { keys: ["0"], does: "marker back to automatic", action: "markerAutomatic" },
  { keys: ["ArrowLeft"], does: "selected marker one sample left", action: "markerLeft", repeats: true },
  { keys: ["ArrowRight"], does: "selected marker one sample right", action: "markerRight", repeats: true },
  { keys: ["Shift+ArrowLeft"], does: "selected marker 0.5 ms left", action: "markerLeftFast", repeats: true },
  { keys: ["Shift+ArrowRight"], does: "selected marker 0.5 ms right", action: "markerRightFast", repeats: true },
  { keys: [","], does: "selected marker 0.1 ms left", action: "markerLeftTenth", repeats: true },
  { keys: ["."], does: "selected marker 0.1 ms right", action: "markerRightTenth", repeats: true },
  { keys: ["Enter", "F8"], does: "MUNIX: take the last 500 ms as an epoch of effort", action: "epoch" },
  { keys: ["h"], does: "hunt: stimulate without keeping sweeps / end", action: "hunt" },
  { keys: ["o"], does: "no response: absent, after three questions", action: "noResponse" },
  { keys: ["d"], does: "distance (Enter: next row)", action: "distance" },
  { keys: ["Shift+D"], does: "elbow flexion, or exercise before this run", action: "condition" },
  { keys: ["Shift+E"], does: "exercise between two trains has ended now", action: "exercise" },
  { keys: ["y"], does: "correct where the sweeps of this row were taken", action: "correct" },
  { keys: ["Shift+V"], does: "odd and even halves of the average / none", action: "halves" },
  { keys: ["l"], does: "whole table / triggered view", action: "table" },
  { keys: ["j"], does: "next row of the table", action: "rowDown" },
  { keys: ["Shift+J"], does: "row before", action: "rowUp" },
  { keys: ["p"], does: "pain 0-10, reason for stopping", action: "pain" },
  { keys: ["x"], does: "exclude / restore last sweep", action: "exclude" },
  { keys: ["Ctrl+Z"], does: "undo this page's last marker, exclusion or rejection (both stay in the study)", action: "undo" },
  { keys: ["Ctrl+Shift+Z"], does: "what was undone once more", action: "redo" },
  { keys: ["w"], does: "skin temperature", action: "temperature" },
  { keys: ["m"], does: "board / bedside", action: "board" },
  { keys: ["q"], does: "scope / triggered view", action: "centre" },
  { keys: ["e"], does: "event list", action: "events" },
  { keys: ["i"], does: "dark / light", action: "theme" },
  { keys: ["?"], does: "this table", action: "help" },
];

export interface KeyPress { key: string; shiftKey: boolean; ctrlKey: boolean; altKey: boolean; metaKey: boolean; repeat: boolean }

/** `Shift+G`, `a`, `ArrowUp`: the name under which the table lists a press. */
export function keyName(e: KeyPress): string {
  const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
  const shifted = e.shiftKey && (e.key.length > 1 || /[a-z]/i.test(e.key));
  if (!shifted) return key;
  return `Shift+${e.key.length === 1 ? e.key.toUpperCase() : e.key}`;
}

/** Where the key was pressed: typing fields keep their letters, widgets keep their own keys. */
export type Place = "page" | "field" | "button" | "slider" | "select";

export function actionFor(e: KeyPress, place: Place): Action | null {
  // STOP is looked for first, whatever the modifiers, the focus or the repeat.
  if (e.key === "Escape" || e.key === "Pause") return "stop";
  if (place === "field") return null;
  if ((e.ctrlKey || e.metaKey) && !e.altKey && e.key.toLowerCase() === "z") return e.repeat ? null : e.shiftKey ? "redo" : "undo";
  if (e.ctrlKey || e.altKey || e.metaKey) return null;
  const name = keyName(e);
  const arrows = name.includes("Arrow");
  if ((place === "slider" || place === "select") && (arrows || name === " ")) return null;
  if (place === "select" && e.key.length === 1) return null;
  // Space and Enter on a focused button press that button: they must not also fire, or take an epoch.
  if (place === "button" && (name === " " || name === "Enter")) return null;
  if (place === "select" && name === "Enter") return null;
  const found = BINDINGS.find((b) => b.keys.includes(name));
  if (!found || (e.repeat && !found.repeats)) return null;
  return found.action;
}

export function placeOf(target: EventTarget | null): Place {
  if (!(target instanceof Element)) return "page";
  if (target instanceof HTMLInputElement) return target.type === "range" ? "slider" : target.type === "checkbox" ? "button" : "field";
  if (target instanceof HTMLTextAreaElement || (target instanceof HTMLElement && target.isContentEditable)) return "field";
  if (target instanceof HTMLSelectElement) return "select";
  if (target.getAttribute("role") === "slider") return "slider";
  if (target.closest("button, a[href], summary")) return "button";
  // A scrolling region that has the focus scrolls with the arrows: they must not change intensity.
  return target instanceof HTMLElement && target.tabIndex >= 0 ? "slider" : "page";
}
