// A declared train: count, rate and highest current are said before arming; one press begins it, any key ends it.
import { computed, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { format, typedNumber } from "../format";
import { type Declared } from "../state/actions";
import { nowStep } from "../state/stepping";
import { stimulator, stimulatorState } from "../state/study";

const KINDS = { f: "F-waves", h: "H-reflex curve", rns: "repetitive stimulation", scan: "CMAP scan" } as const;
/** Whether the next arming is for the step's train; a step without one has single pulses only. */
export const asTrain = signal(true);
interface Edited { step: string; count: number; rateHz: number; toMa: number | null }
const edited = signal<Edited | null>(null);

/** What would be declared now: the step's train, as far as it was not changed. */
export const declared = computed<Declared | null>(() => {
  const step = nowStep.value;
  const plan = step?.train;
  if (!step || !plan || !asTrain.value) return null;
  const own = edited.value?.step === step.id ? edited.value : null;
  const ramp = plan.kind === "h" || plan.kind === "scan";
  return { kind: plan.kind, count: own?.count ?? plan.count, rate_hz: own?.rateHz ?? plan.rate_hz, to_ma: ramp ? (own?.toMa ?? 0) : null };
});

/** Pulses sent and declared, from the service's words; null: no train is armed. */
export function progress(words: string | null | undefined): [number, number] | null {
  const found = /(\d+) of (\d+) pulses/.exec(words ?? "");
  return found ? [Number(found[1]), Number(found[2])] : null;
}
/** True from the press that began a train to its end: every key then ends it. */
export const trainRuns = computed(() => {
  const at = progress(stimulator.value?.train);
  const hot = stimulatorState.value === "armed" || stimulatorState.value === "firing";
  return hot && at !== null && at[0] > 0 && at[0] < at[1];
});

function Field({ name, value, most, take }: { name: string; value: number; most: number; take(v: number): void }) {
  const [typed, type] = useState<string | null>(null);
  useEffect(() => type(null), [value]);
  const enter = () => {
    const told = typedNumber(typed ?? "");
    if (told !== null && told >= 0 && told <= most) take(told);
    type(null);
  };
  return (
    <label>{name} <input inputMode="decimal" data-testid={`train-${name.replace(/\W.*/, "")}`} value={typed ?? String(value)} onInput={(e) => type(e.currentTarget.value)}
      onBlur={enter} onKeyDown={(e) => { if (e.key === "Enter") e.currentTarget.blur(); }} /></label>
  );
}

export function TrainPanel() {
  const step = nowStep.value;
  const plan = step?.train;
  const told = stimulator.value;
  if (!step || !plan) return null;
  const now = declared.value;
  const at = progress(told?.train);
  const put = (change: Partial<Edited>) => {
    if (!now) return;
    edited.value = { step: step.id ?? "", count: now.count, rateHz: now.rate_hz, toMa: now.to_ma, ...change };
  };
  const hot = stimulatorState.value === "armed" || stimulatorState.value === "firing";
  return (
    <div class="train" role="group" aria-label="Train" data-testid="train">
      <label class="train-choice"><input type="checkbox" checked={asTrain.value} disabled={hot} onChange={(e) => { asTrain.value = e.currentTarget.checked; }} /> Train: {KINDS[plan.kind]}</label>
      {now && !at ? (
        <>
          <div class="train-fields">
            <Field name="count" value={now.count} most={plan.ceiling_count} take={(v) => put({ count: Math.round(v) })} />
            <Field name="rate Hz" value={now.rate_hz} most={50} take={(v) => put({ rateHz: v })} />
            {now.to_ma === null ? null : <Field name="to mA" value={now.to_ma} most={told?.ceiling_ma ?? 100} take={(v) => put({ toMa: v })} />}
          </div>
          <p class="dim" data-testid="train-declared">
            Declared: {format("count", now.count)} {now.count === 1 ? "pulse" : "pulses"}, {format("frequency_hz", now.rate_hz)}, at most {format("current_ma", told?.current_ma ?? null)}{now.to_ma === null ? "" : ` down to ${format("current_ma", now.to_ma)}`}
          </p>
        </>
      ) : null}
      {at ? <p data-testid="train-progress"><b>{told?.train}</b>{at[0] > 0 ? ": any key ends it" : ": one press begins it"}</p> : null}
    </div>
  );
}
