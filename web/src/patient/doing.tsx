// What the simulated patient does and what is done to it: tasks, taps, magnetic pulses, faults on the wire.
import { signal } from "@preact/signals";
import { format } from "../format";
import { Picker } from "../parts/control";
import { Disclosure } from "./disclosure";
import { change, choices, chosen, described } from "./simulator";

const FAULTS: readonly (readonly [string, string, Record<string, unknown>])[] = [
  ["unplug", "Unplug 3 s", { name: "unplug", seconds: 3 }],
  ["stall", "Stall 3 s", { name: "stall", seconds: 3 }],
  ["drop", "Drop 300 samples", { name: "drop", count: 300 }],
  ["corrupt", "Corrupt 1 %", { name: "corrupt", p: 0.01 }],
  ["reboot", "Reboot", { name: "reboot" }],
  ["clear", "Clear faults", { name: "clear" }],
];
const EVERYONE = "";
const asked = signal({ level: 0.3, only: EVERYONE });
const blow = signal({ force: "40", intensity: "60" });

export function TaskPanel() {
  const all = choices.value, told = described.value;
  if (!all || !told) return null;
  const now = told.task, muscles = (told.muscles ?? []).map((one) => one.muscle);
  const who = now?.muscle ? `, ${now.muscle} only` : "";
  return (
    <>
      <p class="dim">Now: <b data-testid="demo-task-now">{(now?.name ?? "").replaceAll("_", " ")}{now && now.level > 0 ? `, ${format("percent", 100 * now.level)}` : ""}{who}</b>, without telling the bedside.</p>
      <div class="fields">
        <label class="dial"><span>Effort</span>
          <input type="range" min="0" max="1" step="0.05" value={asked.value.level} aria-label="Effort of the task" data-testid="demo-level"
            onInput={(e) => { asked.value = { ...asked.value, level: Number(e.currentTarget.value) }; }} />
          <output>{format("percent", 100 * asked.value.level)}</output>
        </label>
        <Picker name="Muscle asked" options={[[EVERYONE, "all muscles"], ...muscles.map((m) => [m, m] as const)]} chosen={asked.value.only}
          choose={(only) => { asked.value = { ...asked.value, only }; }} />
      </div>
      <div class="choices" role="group" aria-label="Simulated task">
        {all.tasks.map(({ name, effort }) => (
          <button type="button" key={name} data-testid={`demo-task-${name}`} aria-pressed={now?.name === name}
            onClick={() => void change("task", { name, level: effort ? asked.value.level : 0, ...(asked.value.only === EVERYONE ? {} : { muscle: asked.value.only }) })}>
            {name.replaceAll("_", " ")}
          </button>
        ))}
      </div>
    </>
  );
}

export function ProvokePanel() {
  const muscle = chosen.value;
  if (muscle === null) return null;
  return (
    <Disclosure testid="provoke" summary={`Tap and magnetic pulse, ${muscle}`}>
      <div class="fields">
        <label><span>force, N</span>
          <input type="number" min="0.1" max="300" step="any" value={blow.value.force} onInput={(e) => { blow.value = { ...blow.value, force: e.currentTarget.value }; }} />
        </label>
        <button type="button" data-testid="tap" onClick={() => void change("tap", { muscle, force: Number(blow.value.force) })}>Tap the tendon</button>
        <label><span>% of output</span>
          <input type="number" min="1" max="100" step="any" value={blow.value.intensity} onInput={(e) => { blow.value = { ...blow.value, intensity: e.currentTarget.value }; }} />
        </label>
        <button type="button" data-testid="tms" onClick={() => void change("tms", { muscle, intensity: Number(blow.value.intensity) })}>Magnetic pulse</button>
      </div>
    </Disclosure>
  );
}

export function FaultPanel() {
  return (
    <div class="choices" role="group" aria-label="Faults">
      {FAULTS.map(([key, shown, body]) => <button type="button" key={key} data-testid={`fault-${key}`} onClick={() => void change("fault", body)}>{shown}</button>)}
    </div>
  );
}
