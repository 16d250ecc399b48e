// Left rail: what the patient does, which study lies under the electrodes, and where to go.
import { useEffect, useRef, useState } from "preact/hooks";
import { format } from "../format";
import { Key, Picker, Segmented } from "../parts/control";
import { setStep, setTask, setTemperature } from "../state/actions";
import { muscles, step, steps, task, temperatureC } from "../state/study";
import { centre } from "../state/view";
import { rowKey, type Step } from "../wire/messages";

/** What the patient is asked to do, and the fraction of full effort that it stands for. */
export const TASKS = [["rest", "Rest", 0], ["hold", "Hold", 0.15], ["maximal", "Maximal", 1], ["stretch", "Stretch", 0]] as const;
const NERVES = ["median", "ulnar", "radial", "musculocutaneous"] as const;
const SITES = ["wrist", "elbow", "below_elbow", "axilla", "erb"] as const;

function Tasks() {
  return (
    <section aria-label="Task" class="rail-block">
      <h3>The patient is asked to</h3>
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

const isNow = (s: Step) => step.value !== null && rowKey(s) === rowKey(step.value);
const words = (s: Step) => s.label ?? `${s.nerve} motor, ${s.site.replace("_", " ")}, ${s.muscle}`;

/** Go to the step `by` places on in the list. */
export function moveStep(by: 1 | -1): void {
  const list = steps.value;
  const at = list.findIndex(isNow);
  const next = list[at < 0 ? 0 : Math.min(list.length - 1, Math.max(0, at + by))];
  if (next && !isNow(next)) void setStep(next);
}

function StepList() {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }), [step.value, steps.value]);
  return (
    <ol class="steps" data-testid="steps" ref={list}>
      {steps.value.map((s) => (
        <li key={rowKey(s)}>
          <button type="button" aria-current={isNow(s) ? "step" : undefined} data-step={rowKey(s)} onClick={() => void setStep(s)}>
            <span class="step-mark" aria-hidden="true">{isNow(s) ? "▶" : "○"}</span>
            <span>{words(s)}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

/** Any nerve, site and muscle, for what the list does not hold. */
function OwnStep() {
  const now = step.value;
  const first = muscles.value[0];
  const set = (change: Partial<Step>) => {
    const key = change.muscle ?? now?.muscle ?? first?.key ?? "";
    const side = muscles.value.find((m) => m.key === key)?.side ?? "left";
    void setStep({ nerve: now?.nerve ?? first?.nerve ?? "median", site: now?.site ?? "wrist", ...change, muscle: key, side });
  };
  const asWords = (list: readonly string[], chosen: string | undefined) =>
    (chosen && !list.includes(chosen) ? [...list, chosen] : [...list]).map((v) => [v, v.replace("_", " ")] as const);
  return (
    <div class="own-step">
      <Picker name="Nerve" testid="step-nerve" options={asWords(NERVES, now?.nerve)} chosen={now?.nerve ?? ""} choose={(nerve) => set({ nerve })} />
      <Picker name="Site" testid="step-site" options={asWords(SITES, now?.site)} chosen={now?.site ?? ""} choose={(site) => set({ site })} />
      <Picker name="Muscle recorded" testid="step-muscle" options={muscles.value.map((m) => [m.key, m.key] as const)} chosen={now?.muscle ?? ""}
        choose={(muscle) => set({ muscle })} />
    </div>
  );
}

function Temperature() {
  const [typed, type] = useState("");
  const enter = () => {
    const celsius = Number(typed.replace(",", "."));
    if (typed.trim() !== "" && Number.isFinite(celsius)) void setTemperature(celsius);
    type("");
  };
  return (
    <label class="temperature">
      <span>Skin {format("temperature_c", temperatureC.value)}</span>
      <input id="temperature" inputMode="decimal" data-testid="temperature" aria-label="Skin temperature, °C" placeholder="°C" value={typed}
        onInput={(e) => type(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === "Enter") enter(); }} onBlur={enter} />
    </label>
  );
}

export function Rail() {
  return (
    <nav class="panel rail" aria-label="Steps" data-testid="rail">
      <Segmented name="View" chosen={centre.value} choose={(v) => { centre.value = v; }}
        options={[["triggered", "Triggered"], ["scope", "Scope"]]} />
      <Tasks />
      <section aria-label="Study" class="rail-block grow">
        <h3>Under the electrodes</h3>
        <StepList />
        <OwnStep />
      </section>
      <Temperature />
      <div class="pair">
        <button type="button" onClick={() => moveStep(-1)}>Back <Key k="B" /></button>
        <button type="button" data-testid="next-step" onClick={() => moveStep(1)}><b>Next</b> <Key k="N" /></button>
      </div>
    </nav>
  );
}
