// The simulated patient's dials: demo mode only. It moves the truth; the bedside must find it.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { format } from "../format";
import { Picker } from "../parts/control";
import { demo } from "../state/actions";
import { tell } from "../state/events";
import { mode, muscles } from "../state/study";
import { get, type Refusal } from "../wire/api";

interface Dials { umn: number; lmn: number }
interface Described { patient?: string; seed?: number; device?: string; dials?: Record<string, Dials>; task?: unknown; muscles?: { name?: string; side?: string; key?: string }[] }
const described = signal<Described | null>(null);
const dials = signal<ReadonlyMap<string, Dials>>(new Map());
interface OnFile { name: string; code: string; title: string }
const onFile = signal<readonly OnFile[]>([]);
const placement = signal({ nerve: "median", site: "wrist", side: "left" });

const FAULTS: readonly (readonly [string, string, Record<string, unknown>])[] = [
  ["unplug", "Unplug 3 s", { name: "unplug", seconds: 3 }],
  ["stall", "Stall 3 s", { name: "stall", seconds: 3 }],
  ["drop", "Drop 300 samples", { name: "drop", count: 300 }],
  ["corrupt", "Corrupt 1 %", { name: "corrupt", p: 0.01 }],
  ["reboot", "Reboot", { name: "reboot" }],
  ["clear", "Clear faults", { name: "clear" }],
];
const TASKS = [["rest", 0], ["hold", 0.15], ["maximal", 1], ["stretch", 0]] as const;

async function describe(): Promise<void> {
  try {
    const told = await get<Described>("demo/describe");
    described.value = told;
    dials.value = new Map(Object.entries(told.dials ?? {}));
    onFile.value = (await get<{ patients?: OnFile[] }>("demo/patients")).patients ?? [];
  } catch (error) {
    tell(`simulated patient: ${(error as Refusal).message}`);
  }
}

async function turn(muscle: string, axis: keyof Dials, value: number): Promise<void> {
  const before = dials.value.get(muscle) ?? { umn: 0, lmn: 0 };
  dials.value = new Map(dials.value).set(muscle, { ...before, [axis]: value });
  if (!(await demo("dial", { muscle, [axis]: value }))) await describe();
}

function Dial({ muscle, axis }: { muscle: string; axis: keyof Dials }) {
  const value = dials.value.get(muscle)?.[axis] ?? 0;
  return (
    <td>
      <label class={`dial ${axis}`}>
        <input type="range" min="0" max="1" step="0.05" value={value} data-testid={`dial-${axis}-${muscle.replace(" ", "-")}`}
          aria-label={`${muscle}, ${axis.toUpperCase()} dial`} onChange={(e) => void turn(muscle, axis, Number(e.currentTarget.value))} />
        <output>{format("fraction", value)}</output>
      </label>
    </td>
  );
}

function DialTable() {
  return (
    <table class="dials">
      <thead><tr><th scope="col">Muscle</th><th scope="col" class="umn">UMN</th><th scope="col" class="lmn">LMN</th></tr></thead>
      <tbody>
        {muscles.value.map((m) => (
          <tr key={m.key}><th scope="row">{m.key}</th><Dial muscle={m.key} axis="umn" /><Dial muscle={m.key} axis="lmn" /></tr>
        ))}
      </tbody>
    </table>
  );
}

function PlacementPanel() {
  const now = placement.value;
  const place = (change: Partial<typeof now>) => {
    placement.value = { ...now, ...change };
    void demo("placement", placement.value);
  };
  const list = (all: readonly string[]) => all.map((v) => [v, v.replace("_", " ")] as const);
  return (
    <div class="own-step">
      <Picker name="Nerve stimulated" options={list(["median", "ulnar", "radial", "musculocutaneous"])} chosen={now.nerve} choose={(nerve) => place({ nerve })} />
      <Picker name="Site stimulated" options={list(["wrist", "elbow", "below_elbow", "axilla", "erb"])} chosen={now.site} choose={(site) => place({ site })} />
      <Picker name="Side stimulated" options={list(["left", "right"])} chosen={now.side} choose={(side) => place({ side })} />
    </div>
  );
}

function OnFileList() {
  return (
    <details data-testid="patients-on-file">
      <summary>{onFile.value.length} simulated patients on file</summary>
      <p class="dim">Another one: <code>myotome demo --patient NAME</code></p>
      <table>
        <tbody>{onFile.value.map((one) => <tr key={one.name}><th scope="row"><code>{one.name}</code></th><td>{one.title}</td></tr>)}</tbody>
      </table>
    </details>
  );
}

export function Patient() {
  useEffect(() => { if (mode.value === "simulated") void describe(); }, [mode.value]);
  if (mode.value !== "simulated") {
    return <main id="main" class="start"><section class="panel"><h1>Patient</h1><p>The dials exist in demo mode only; this is no simulation.</p></section></main>;
  }
  const told = described.value;
  return (
    <main id="main" class="patient" data-testid="patient">
      <section class="panel">
        <h1><span class="hatch-word">SIMULATED</span> patient {told?.patient ?? ""}</h1>
        <p class="dim">These dials move the simulated truth. The bedside never reads them: it must find what they do in the signal.</p>
        <DialTable />
        <OnFileList />
      </section>
      <section class="panel">
        <h2>Task</h2>
        <p class="dim">What the simulated patient does, without telling the bedside.</p>
        <div class="tasks" role="group" aria-label="Simulated task">
          {TASKS.map(([name, level]) => <button type="button" key={name} data-testid={`demo-task-${name}`} onClick={() => void demo("task", { name, level })}>{name}</button>)}
        </div>
        <h2>Stimulating electrodes</h2>
        <p class="dim">Where they really lie; the bedside's step moves them as well.</p>
        <PlacementPanel />
        <h2>Faults on the wire</h2>
        <div class="tasks" role="group" aria-label="Faults">
          {FAULTS.map(([key, shown, body]) => <button type="button" key={key} data-testid={`fault-${key}`} onClick={() => void demo("fault", body)}>{shown}</button>)}
        </div>
      </section>
    </main>
  );
}
