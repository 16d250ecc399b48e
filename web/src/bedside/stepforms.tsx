// Forms of the rail: why a step is skipped, and a step that the protocol does not have.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Key, Picker } from "../parts/control";
import { addStep, nowStep, skipStep } from "../state/stepping";
import { muscles, step } from "../state/study";
import { measureWords, placeWords } from "../state/table";
import { askSkip, askStep } from "../state/view";

const REASONS = ["pain", "not needed", "electrode not placeable", "patient declines"];

export function SkipForm() {
  const first = useRef<HTMLInputElement>(null);
  const [reason, say] = useState("");
  useLayoutEffect(() => first.current?.focus(), []);
  const send = async (why: string) => {
    if (why.trim() !== "" && (await skipStep(why.trim()))) askSkip.value = false;
  };
  return (
    <form class="rail-form" aria-label="Skip this step" data-testid="skip-form" onSubmit={(e) => { e.preventDefault(); void send(reason); }}>
      <h3>Skip {nowStep.value?.label ?? "this step"}: why?</h3>
      <input ref={first} value={reason} maxLength={400} aria-label="Reason" placeholder="reason" data-testid="skip-reason" onInput={(e) => say(e.currentTarget.value)} />
      <div class="chips">{REASONS.map((why) => <button type="button" key={why} onClick={() => void send(why)}>{why}</button>)}</div>
      <div class="pair">
        <button type="button" onClick={() => { askSkip.value = false; }}>Close <Key k="K" /></button>
        <button type="submit" disabled={reason.trim() === ""}>Skip</button>
      </div>
    </form>
  );
}

const NERVES = ["median", "ulnar", "radial", "musculocutaneous", "fibular", "tibial", "sural"] as const;
const SITES = ["palm", "wrist", "forearm", "below_elbow", "elbow", "axilla", "erb", "ankle", "below_fibular_head", "knee"] as const;
const MEASURES = ["motor_response", "sensory_response", "f_wave", "h_reflex", "rns", "cmap_scan", "munix"] as const;
const withNow = (list: readonly string[], now: string | undefined) => (now && !list.includes(now) ? [now, ...list] : [...list]);

export function AddForm() {
  const now = step.value;
  const first = useRef<HTMLFormElement>(null);
  const [told, tell] = useState({ measure: now?.measure ?? "motor_response", nerve: now?.nerve ?? "median", site: now?.site ?? "wrist", muscle: now?.muscle ?? muscles.value[0]?.key ?? "" });
  useLayoutEffect(() => first.current?.querySelector("select")?.focus(), []);
  const keys = withNow(muscles.value.map((m) => m.key), now?.muscle);
  const pick = (name: keyof typeof told, words: string, list: readonly string[], shown: (v: string) => string = placeWords) => (
    <Picker name={words} testid={`add-${name}`} options={list.map((v) => [v, shown(v)] as const)} chosen={told[name]} choose={(v) => tell({ ...told, [name]: v })} />
  );
  const add = async () => {
    const side = told.muscle.startsWith("right") ? "right" : "left";
    await addStep({ ...told, side });
    askStep.value = false;
  };
  return (
    <form ref={first} class="rail-form" aria-label="Add a step" data-testid="add-form" onSubmit={(e) => { e.preventDefault(); void add(); }}>
      <h3>Add a step and start it</h3>
      {pick("measure", "Measure", MEASURES, measureWords)}
      {pick("nerve", "Nerve", withNow(NERVES, now?.nerve))}
      {pick("site", "Site", withNow(SITES, now?.site))}
      {pick("muscle", "Recorded", keys, (v) => v)}
      <div class="pair">
        <button type="button" onClick={() => { askStep.value = false; }}>Close <Key k="U" /></button>
        <button type="submit" data-testid="add-send">Add</button>
      </div>
    </form>
  );
}
