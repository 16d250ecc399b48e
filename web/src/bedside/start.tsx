// Start: who, which device and what it may measure, which muscle under which channel; then begin.
import { format } from "../format";
import { device, muscles, patient, permissions, stream, studyId } from "../state/study";
import { rootWords } from "./muscle";
import { NewStudy } from "./newstudy";
import { SubjectFields } from "./subject";

const STUDIES: Record<string, string> = {
  motor_ncs: "motor nerve conduction", sensory_ncs: "sensory nerve conduction", f_wave: "F wave", h_reflex: "H reflex",
  rns: "repetitive stimulation", cmap_scan: "CMAP scan", munix: "MUNIX",
};
const words = (study: string) => STUDIES[study] ?? study.replaceAll("_", " ");
const SHAPE = { yes: "✓", limited: "◇", no: "✕" } as const;

export function Start() {
  const told = device.value;
  return (
    <main id="main" class="start" data-testid="start">
      <section class="panel">
        <h1>Study of {patient.value || "–"}</h1>
        <SubjectFields />
        <a class="button primary" href={`#/study/${encodeURIComponent(studyId.value)}`}>Go on at the bedside</a>
        <NewStudy />
        <h2>Device</h2>
        <p>{told ? `${told.model}, ${told.state}, ${format("rate_hz", stream.value?.rate_hz ?? null)}` : "no device yet"}</p>
        <ul class="permissions" aria-label="What this device may measure">
          {permissions.value.map((p) => (
            <li key={p.study} class={p.allowance}>
              <span aria-hidden="true">{SHAPE[p.allowance]}</span> {words(p.study)}: {p.allowance}{p.reason ? `. ${p.reason}` : ""}
            </li>
          ))}
        </ul>
        <h2>Electrodes</h2>
        <table>
          <thead><tr><th scope="col">Channel</th><th scope="col">Muscle</th><th scope="col">Roots</th><th scope="col">Nerve</th></tr></thead>
          <tbody>
            {muscles.value.map((m) => <tr key={m.key}><td>{m.channel}</td><td>{m.key}</td><td>{rootWords(m)}</td><td>{m.nerve}</td></tr>)}
          </tbody>
        </table>
      </section>
    </main>
  );
}
