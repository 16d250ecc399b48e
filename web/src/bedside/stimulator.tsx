// Configure, arm, fire and STOP are four separate things. The service decides; this shows and asks.
import { computed } from "@preact/signals";
import { useState } from "preact/hooks";
import { format, number, typedNumber } from "../format";
import { Key } from "../parts/control";
import { arm, disarm, endTrain, fire, implanted, intensity, operator, setCurrent, toggleHunt } from "../state/actions";
import { tell } from "../state/events";
import { nowStep } from "../state/stepping";
import { askPain } from "../state/view";
import { PainForm, Pulse } from "./pain";
import { Plateau } from "./plateau";
import { declared, TrainPanel, trainRuns } from "./train";
import { hunting } from "../trace/hunt";
import { clock, mode, stimulator, stimulatorState, tick } from "../state/study";

const WORDS = {
  safe: "SAFE", armed: "ARMED", firing: "FIRING", stopped: "STOPPED", unknown: "UNKNOWN", none: "NONE",
} as const;

/** After a click with the mouse the space bar is the pedal again, not this button. */
function clicked(e: MouseEvent, does: () => Promise<void>): void {
  if (e.detail > 0 && e.currentTarget instanceof HTMLElement) e.currentTarget.blur();
  void does();
}

function remaining(): string {
  tick.value;
  const told = stimulator.value;
  if (!told || told.expires_in_s === null) return "";
  const left = told.expires_in_s - (clock.age(told.toldS) ?? 0);
  return `${number("count", Math.max(0, left))} s`;
}

function Head({ hot }: { hot: boolean }) {
  const state = stimulatorState.value;
  return (
    <div class={`stim-head${hot ? " caution" : ""}`} data-testid="stimulator-state" data-state={state}>
      {hot ? <span aria-hidden="true">⚡</span> : null}
      <b class="state">{WORDS[state]}</b>
      <span class="fact">{state === "armed" ? remaining() : state === "unknown" ? "treat as armed" : ""}</span>
      {atDevice.value ? null : hot ? (
        <button type="button" data-testid="disarm" onClick={(e) => clicked(e, disarm)}>Disarm <Key k="A" /></button>
      ) : (
        <button type="button" data-testid="arm" onClick={(e) => clicked(e, () => arm(declared.value))}>{declared.value ? "Arm train" : "Arm"} <Key k="A" /></button>
      )}
    </div>
  );
}

function Intensity() {
  const told = stimulator.value;
  const now = told?.current_ma ?? 0;
  const own = nowStep.value?.width_us ?? null;
  const usual = own !== null && own !== told?.width_us ? own : null;
  const words = told?.nerve && told.site ? [told.side, told.nerve, told.site].map((w) => (w ?? "").replaceAll("_", " ")) : ["not placed"];
  return (
    <div class="intensity" role="group" aria-label="Intensity">
      <button type="button" class="big" aria-label="Intensity down 1 mA" data-testid="current-down" onClick={(e) => clicked(e, () => intensity(-1))} disabled={now <= 0}>−</button>
      <div>
        <output class="milliamps" data-testid="current">{number("current_ma", told?.current_ma)}<small>{"\u00a0"}mA</small></output>
        <output class="pulse-width" data-testid="width-shown">{format("pulse_us", told?.width_us)}{usual ? <span class="dim">, usual {format("pulse_us", usual)}</span> : null}</output>
        {told?.stated ? <span class="dim" data-testid="stated">{told.stated}</span> : null}
        <span class="dim">{words.join(" · ")}</span>
      </div>
      <button type="button" class="big" aria-label="Intensity up 1 mA" data-testid="current-up" onClick={(e) => clicked(e, () => intensity(1))}
        disabled={told === null || now >= told.ceiling_ma}>+</button>
    </div>
  );
}

/** What the front panel shows, typed: nothing here sets it. Enter takes it. */
function StatedCurrent() {
  const told = stimulator.value;
  const [typed, type] = useState("");
  const enter = () => {
    const ma = typedNumber(typed);
    if (ma !== null && ma >= 0) void setCurrent(ma);
    else if (typed.trim() !== "") tell(`current: "${typed.trim()}" is no number of mA`);
    type("");
  };
  return (
    <label class="stated">Front panel shows, mA{" "}
      <input inputMode="decimal" data-testid="stated-current" placeholder={number("current_ma", told?.current_ma)} value={typed} onInput={(e) => type(e.currentTarget.value)}
        onBlur={enter} onKeyDown={(e) => { if (e.key === "Enter") e.currentTarget.blur(); }} />
    </label>
  );
}

/** Fired at its own front panel: there is nothing here to arm or to fire. */
const atDevice = computed(() => stimulator.value?.kind === "manual");

const ANSWERS = [["none", "No"], ["present", "Yes"], ["not_known", "Not known"]] as const;

/** Asked once per study; arming waits for the answer. */
function Implant() {
  if (stimulator.value?.implant !== null) return null;
  return (
    <div class="implant" role="group" aria-label="Pacemaker, defibrillator or another implanted device?" data-testid="implant">
      <span>Pacemaker, defibrillator or another implanted device?</span>
      {ANSWERS.map(([answer, word]) => (
        <button type="button" key={answer} onClick={(e) => clicked(e, () => implanted(answer))}>{word}</button>
      ))}
    </div>
  );
}

/** In replay there is nothing to arm or to fire, so the controls are not there at all. */
export function StimulatorPanel() {
  const state = stimulatorState.value;
  const told = stimulator.value;
  if (mode.value === "replay") return null;
  if (state === "none") {
    return <section class="panel stimulator" aria-label="Stimulator"><p class="dim">No stimulator is connected. {told?.sentence}</p></section>;
  }
  const hot = state === "armed" || state === "firing" || state === "unknown";
  return (
    <section class="panel stimulator" aria-label="Stimulator" data-testid="stimulator">
      <Head hot={hot} />
      <Implant />
      <Intensity />
      {told?.stated ? <StatedCurrent key={told.current_ma} /> : null}
      <TrainPanel />
      {atDevice.value ? <p class="at-device" data-testid="at-device"><b>Fire at the stimulator itself.</b> Its pulse is found in the recording.</p> : <button type="button" class={`fire${state === "armed" ? " ready" : ""}`} data-testid="fire" disabled={state !== "armed"} onClick={(e) => clicked(e, trainRuns.value ? endTrain : fire)}>
        <b>{trainRuns.value ? "END" : told?.train ? "BEGIN" : "FIRE"}</b> <span>{trainRuns.value ? "any key" : hunting.value ? "sweep not kept" : "space or right pedal"}</span>
      </button>}
      <Plateau />
      {askPain.value ? <PainForm /> : <Pulse />}
      <div class="stim-foot">
        <label>
          Operator <input data-testid="operator" value={operator.value} maxLength={8} size={4} aria-label="Operator's initials"
            onInput={(e) => { operator.value = e.currentTarget.value; }} />
        </label>
        <button type="button" data-testid="hunt-key" aria-pressed={hunting.value} onClick={(e) => clicked(e, toggleHunt)}>Hunt <Key k="H" /></button>
        <span class="dim" data-testid="stimulator-sentence">{told?.sentence || `${number("count", told?.delivered_count)} pulses given`}</span>
      </div>
    </section>
  );
}
