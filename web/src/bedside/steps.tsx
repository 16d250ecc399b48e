// Left rail: what the patient does, the protocol's steps and what remains of them, and how to set the present one up.
import { useEffect, useRef, useState } from "preact/hooks";
import { format, quantityOf, typedNumber } from "../format";
import { Key, Segmented } from "../parts/control";
import { Side } from "../parts/side";
import { insteadWords } from "../parts/value";
import { setTask, setTemperature } from "../state/actions";
import { tell } from "../state/events";
import { rowHere } from "../state/shown";
import { counts, isNow, moveStep, nowStep, protocols, repeatStep, setSweepMs, sideAsked, startStep, stepKey, wasAsked } from "../state/stepping";
import { protocol, step, steps, task, temperatureC, temperatures } from "../state/study";
import { placeWords, rows, valueOf } from "../state/table";
import { columnsOf } from "../table/columns";
import { askSkip, askStep, centre } from "../state/view";
import type { RowText, Step } from "../wire/table";
import { Electrodes } from "./electrodes";
import { AddForm, SkipForm } from "./stepforms";

/** What the patient is asked to do, and the fraction of full effort that it stands for. */
export const TASKS = [["rest", "Rest", 0], ["hold", "Hold", 0.15], ["maximal", "Maximal", 1], ["stretch", "Stretch", 0]] as const;

function Tasks() {
  return (
    <section aria-label="Task" class="rail-block">
      <h3 class="only-spoken">The patient is asked to</h3>
      <div class="tasks" role="group" aria-label="Task">
        {TASKS.map(([name, shown, level]) => (
          <button type="button" key={name} data-testid={`task-${name}`} aria-pressed={task.value === name} onClick={() => void setTask(name, level)}>
            {shown}
          </button>
        ))}
      </div>
    </section>
  );
}

const words = (s: Step) => (s.label ?? `${s.nerve} motor, ${s.site}, ${s.muscle}`).replace(/, (left|right) /, ", ").replaceAll("_", " ");
const SHAPE = { open: "○", done: "✓", skipped: "┄" } as const;

/** The first two numbers of its line in the table. */
const glance = (row: RowText) => columnsOf(row.measure).flatMap((c) => valueOf(row, c.keys[0] ?? "") ?? []).slice(0, 2);

/** What the newest row of a step says, in two numbers. */
function outcome(s: Step): string {
  if (s.state === "skipped") return `skipped: ${s.reason ?? "no reason given"}`;
  const row = rows.value.get(s.rows?.[0] ?? "");
  if (!row) return s.needs ? `if ${s.needs}` : "";
  return insteadWords(row.measurement) || glance(row).map((v) => format(quantityOf(v.quantity), v.value)).join(" · ");
}

function StepLine({ s }: { s: Step }) {
  const now = isNow(s);
  const state = s.state ?? "open";
  const under = outcome(s);
  return (
    <li>
      <button type="button" class={state} aria-current={now ? "step" : undefined} data-step={stepKey(s)} data-state={state} onClick={() => void startStep(s, wasAsked(s))}>
        <span class="step-mark" aria-hidden="true">{now ? "▶" : SHAPE[state]}</span>
        <span class="step-words">
          <span>{words(s)}{(s.run ?? 1) > 1 ? `, run ${s.run}` : ""}<span class="only-spoken">, {state}</span></span>
          {under === "" ? null : <small>{under}</small>}
        </span>
        <Side side={s.side} short />
      </button>
    </li>
  );
}

function StepList() {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }), [step.value, steps.value]);
  return <ol class="steps" data-testid="steps" ref={list}>{steps.value.map((s) => <StepLine key={stepKey(s)} s={s} />)}</ol>;
}

function Remaining() {
  const { open, done, skipped } = counts.value;
  const title = protocols.value?.find((p) => p.id === protocol.value)?.title ?? (protocol.value === "" || protocol.value === "montage" ? "Steps" : placeWords(protocol.value));
  return (
    <div>
      <h2>{title.charAt(0).toUpperCase() + title.slice(1)}</h2>
      <p class="label" data-testid="remaining">{open} remain · {done} done · {skipped} skipped</p>
    </div>
  );
}

/** Another side is asked about once: electrodes and stimulator have to be moved. */
function SideQuestion() {
  const next = sideAsked.value;
  if (!next) return null;
  return (
    <div class="rail-form side-question" role="group" aria-label="Change of side" data-testid="side-question">
      <p><Side side={next.side} /> next. Are electrodes and stimulator on that side?</p>
      <div class="pair">
        <button type="button" onClick={() => { sideAsked.value = null; }}>Not yet</button>
        <button type="button" data-testid="side-yes" onClick={() => void startStep(next, true)}>Start</button>
      </div>
    </div>
  );
}

const LEG = /tibial|fibular|femoral|sural|saphenous/;
const HEAD = /facial|trigeminal|accessory|phrenic/;
/** Where the skin is measured for what is under the electrodes; the row says it, before there is one the nerve does. */
function place(): string {
  const now = step.value;
  if (rowHere.value) return rowHere.value.temperature_where;
  if (!now) return "";
  return `${now.side} ${LEG.test(now.nerve) ? "foot" : HEAD.test(now.nerve) ? "face" : "hand"}`;
}

function Temperature() {
  const [typed, type] = useState("");
  const where = place();
  const known = temperatures.value[where] ?? temperatures.value[""] ?? temperatureC.value;
  const enter = () => {
    const celsius = typedNumber(typed);
    if (celsius !== null) void setTemperature(celsius, where);
    else if (typed.trim() !== "") tell(`temperature: "${typed.trim()}" is no number`);
    type("");
  };
  return (
    <label class="temperature">
      <span>{where === "" ? "Skin" : `${where.charAt(0).toUpperCase()}${where.slice(1)}`} {format("temperature_c", known)}</span>
      <input id="temperature" inputMode="decimal" data-testid="temperature" aria-label={`Skin temperature, ${where}, °C`} placeholder="°C" value={typed}
        onInput={(e) => type(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === "Enter") e.currentTarget.blur(); }} onBlur={enter} />
    </label>
  );
}

/** How long after the stimulus a sweep of this step ends; Enter takes it, from the next stimulus on. */
function SweepLength() {
  const [typed, type] = useState("");
  const known = nowStep.value?.record_ms ?? null;
  if (!nowStep.value?.id || known === null) return null;
  const enter = () => {
    const ms = typedNumber(typed);
    if (ms !== null && ms > 0) void setSweepMs(ms);
    else if (typed.trim() !== "") tell(`sweep length: "${typed.trim()}" is no number of ms`);
    type("");
  };
  return (
    <label class="temperature">
      <span>Sweep {format("sweep_ms", known)}</span>
      <input id="sweep-length" inputMode="decimal" data-testid="sweep-length" aria-label="Length of the sweeps of this step, ms after the stimulus" placeholder="ms" value={typed}
        onInput={(e) => type(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === "Enter") e.currentTarget.blur(); }} onBlur={enter} />
    </label>
  );
}

export function Rail() {
  const form = askSkip.value ? <SkipForm /> : askStep.value ? <AddForm /> : sideAsked.value ? <SideQuestion /> : <Electrodes />;
  return (
    <nav class="panel rail" aria-label="Steps" data-testid="rail">
      <Segmented name="View" chosen={centre.value} choose={(v) => { centre.value = v; }}
        options={[["triggered", "Triggered"], ["scope", "Scope"], ["table", "Table"]]} />
      <Tasks />
      <section aria-label="Study" class="rail-block grow">
        <Remaining />
        <StepList />
      </section>
      {form}
      <div class="pair entered">
        <Temperature />
        <SweepLength />
      </div>
      <div class="triple">
        <button type="button" data-testid="skip-step" disabled={!nowStep.value?.id} onClick={() => { askSkip.value = !askSkip.value; }}>Skip <Key k="K" /></button>
        <button type="button" data-testid="repeat-step" disabled={!nowStep.value?.id} onClick={() => void repeatStep()}>Again <Key k="R" /></button>
        <button type="button" data-testid="add-step" onClick={() => { askStep.value = !askStep.value; }}>Add <Key k="U" /></button>
      </div>
      <div class="pair">
        <button type="button" onClick={() => moveStep(-1)}>Back <Key k="B" /></button>
        <button type="button" data-testid="next-step" onClick={() => moveStep(1)}><b>Next</b> <Key k="N" /></button>
      </div>
    </nav>
  );
}
