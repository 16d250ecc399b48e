// A new study: whose, which visit, by whom, by which protocol. And those that wait to be gone on with.
import { useEffect, useState } from "preact/hooks";
import { Segmented } from "../parts/control";
import { operator } from "../state/actions";
import { tell } from "../state/events";
import { beginStudy, closeStudy, loadProtocols, openStudy, protocols, studies } from "../state/stepping";
import { mode, studyId } from "../state/study";
import type { StudyLine } from "../wire/table";

const SIDES = [["protocol", "As the protocol"], ["left", "Left"], ["right", "Right"], ["both", "Both"]] as const;
type SideChoice = (typeof SIDES)[number][0];
const toBedside = (id: string) => { location.hash = `#/study/${encodeURIComponent(id)}`; };
const asked = (sides: SideChoice) => (sides === "protocol" ? [] : sides === "both" ? ["left", "right"] : [sides]);

function Form() {
  const [told, say] = useState({ patient: "", visit: "", operator: operator.value, protocol: "montage" });
  const put = (part: Partial<typeof told>) => say((now) => ({ ...now, ...part }));
  const [sides, side] = useState<SideChoice>("protocol");
  const list = protocols.value ?? [];
  const chosen = list.find((p) => p.id === told.protocol);
  const field = (name: "patient" | "visit" | "operator", words: string, most: number) => (
    <label><span>{words}</span><input data-testid={`new-${name}`} value={told[name]} maxLength={most} onInput={(e) => put({ [name]: e.currentTarget.value })} /></label>
  );
  const begin = async () => {
    if (told.patient.trim() === "" || told.operator.trim() === "") return tell("new study: a patient code and the operator's initials are needed");
    operator.value = told.operator.trim();
    const line = await beginStudy({ ...told, patient: told.patient.trim(), operator: told.operator.trim(), sides: asked(sides) });
    if (!line) return;
    // what was typed was for that patient; nothing else empties the fields, whatever the service tells meanwhile
    put({ patient: "", visit: "" });
    toBedside(line.id);
  };
  return (
    <form class="new-study" aria-label="New study" data-testid="new-study" onSubmit={(e) => { e.preventDefault(); void begin(); }}>
      <div class="subject-fields">
        {field("patient", "Patient code (no name)", 80)}
        {field("visit", "Visit", 80)}
        {field("operator", "Operator's initials", 20)}
        <label><span>Protocol</span>
          <select data-testid="new-protocol" value={told.protocol} onChange={(e) => put({ protocol: e.currentTarget.value })}>
            <option value="montage">By the channels of the device</option>
            {list.map((p) => <option key={p.id} value={p.id}>{p.title}, {p.steps.length} steps</option>)}
          </select>
        </label>
        <Segmented<SideChoice> name="Sides" options={SIDES} chosen={sides} choose={(v) => side(v)} />
      </div>
      <p class="dim" data-testid="protocol-about">{chosen ? `${chosen.about}. ${[...new Set(chosen.steps.map((s) => s.muscle.replace(/^(left|right) /, "")))].join(", ")}.` : "Suggested from what is recorded; any step can be added."}</p>
      <button type="submit" class="wide" data-testid="new-begin">Begin this study</button>
    </form>
  );
}

/** As the choice above calls it; one that no file has any more keeps its id. */
const titleOf = (id: string) => (id === "montage" || id === "" ? "by the channels" : (protocols.value?.find((p) => p.id === id)?.title ?? id));

function Line({ s }: { s: StudyLine }) {
  const go = async () => { if (await openStudy(s.id)) toBedside(s.id); };
  return (
    <tr data-study={s.id}>
      <th scope="row">{s.patient || "unnamed"}{s.visit ? `, ${s.visit}` : ""}</th>
      <td>{titleOf(s.protocol)}</td>
      <td>{s.steps.open} remain, {s.steps.done} done, {s.steps.skipped} skipped; {s.sweeps} sweeps</td>
      <td>{s.current ? "at this bed" : s.state}</td>
      <td><a class="button" href={`#/study/${encodeURIComponent(s.id)}/review`} aria-label={`Look at ${s.patient || "unnamed"}${s.visit ? `, ${s.visit}` : ""}`}>Look</a>{" "}{s.current
        ? <button type="button" onClick={() => void closeStudy(s.id).then(() => loadProtocols())}>Close</button>
        : <button type="button" onClick={() => void go()}>{s.state === "closed" ? "Reopen" : "Go on"}</button>}</td>
    </tr>
  );
}

export function NewStudy() {
  useEffect(() => void loadProtocols(), [studyId.value]);
  if (mode.value === "replay") return null;
  return (
    <>
      <h2>New study</h2>
      <Form />
      {studies.value.length === 0 ? null : (
        <>
          <h2>Studies kept</h2>
          <table data-testid="studies">
            <thead><tr><th scope="col">Patient</th><th scope="col">Protocol</th><th scope="col">Steps</th><th scope="col">State</th><th scope="col">Do</th></tr></thead>
            <tbody>{studies.value.map((s) => <Line key={s.id} s={s} />)}</tbody>
          </table>
        </>
      )}
    </>
  );
}
