// The simulated patient: demo mode only. It moves the truth, and shows it beside what the bedside found.
import "./patient.css";
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { format } from "../format";
import { Picker } from "../parts/control";
import { mode } from "../state/study";
import { BesidePanel } from "./beside";
import { DialParts, DialTable } from "./dials";
import { Disclosure } from "./disclosure";
import { FaultPanel, ProvokePanel, TaskPanel } from "./doing";
import { MontagePanel, NeedlePanel, PlacementPanel, TechniquePanel } from "./electrodes";
import { cases, choices, describe, described, readChoices } from "./simulator";

const looked = signal("");

function Person() {
  const told = described.value;
  if (!told) return null;
  const skin = [["hand", told.hand_temperature_c], ["foot", told.foot_temperature_c]] as const;
  return (
    <p class="dim" data-testid="person">
      {told.title ?? ""}. {told.sex ?? ""} {format("age_years", told.age_years)}, {format("height_cm", told.height_cm)}
      {skin.map(([where, celsius]) => (celsius === undefined ? "" : `, ${where} ${format("temperature_c", celsius)}`)).join("")}
      {told.seed === undefined ? "" : `, seed ${told.seed}`}
    </p>
  );
}

/** Cases are chosen when the demo begins: another one is another start. */
function Cases() {
  const shown = cases.value.find((one) => one.name === looked.value) ?? cases.value.find((one) => one.name === described.value?.patient);
  if (!shown) return null;
  return (
    <Disclosure testid="patients-on-file" summary={`${cases.value.length} simulated patients on file`}>
      <div class="fields">
        <Picker name="Case" options={cases.value.map((one) => [one.name, one.name.replaceAll("_", " ")] as const)} chosen={shown.name} choose={(name) => { looked.value = name; }} />
      </div>
      <p>{shown.title}</p>
      <p class="dim">To see this one, start again: <code data-testid="restart">myotome demo --patient {shown.name}</code></p>
    </Disclosure>
  );
}

export function Patient() {
  useEffect(() => {
    if (mode.value !== "simulated") return;
    void describe();
    void readChoices();
  }, [mode.value]);
  if (mode.value !== "simulated") {
    return <main id="main" class="start"><section class="panel"><h1>Patient</h1><p>The dials exist in demo mode only; this is no simulation.</p></section></main>;
  }
  return (
    <main id="main" class="patient" data-testid="patient">
      <div class="patient-column">
        <section class="panel">
          <h1><span class="hatch-word">SIMULATED</span> patient {(described.value?.patient ?? "").replaceAll("_", " ")}</h1>
          <Person />
          <Cases />
          <p class="dim">These dials move the simulated truth. The bedside never reads them: it must find what they do in the signal.</p>
          <DialTable />
          <DialParts />
        </section>
      </div>
      <div class="patient-column">
        <BesidePanel />
        <section class="panel">
          <h2>Task</h2>
          <TaskPanel />
          <ProvokePanel />
          <h2>Stimulating electrodes</h2>
          <p class="dim">Where they really lie; the bedside's step moves them as well.</p>
          <PlacementPanel />
          <MontagePanel />
          <TechniquePanel />
          <NeedlePanel />
          <h2>Faults on the wire</h2>
          <FaultPanel />
          {choices.value === null ? <p class="dim">waiting for what the simulator offers</p> : null}
        </section>
      </div>
    </main>
  );
}
