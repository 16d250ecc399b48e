// Sweeps that were taken elsewhere than was thought: the row moves, and what it was stays with each sweep.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { timeOfDay } from "../format";
import { Key, Picker } from "../parts/control";
import { correctRow, correctSweep } from "../state/edits";
import { tell } from "../state/events";
import { groupHere, look, rowHere } from "../state/shown";
import { muscles, steps } from "../state/study";
import { measureWords, placeWords, rows } from "../state/table";
import { askCorrect } from "../state/view";
import type { Place, SweepText } from "../wire/messages";
import type { RowText } from "../wire/table";

/** The key: opens the form for the row at hand, or closes it. */
export function correctKey(): void {
  const row = rowHere.value;
  if (askCorrect.value) askCorrect.value = false;
  else if (!row) tell("correct: no row yet; there is nothing to correct before the first stimulus");
  else if (row.derived) tell("correct: this row is made of other rows; correct those");
  else askCorrect.value = true;
}

const NERVES = ["median", "ulnar", "radial", "musculocutaneous", "axillary", "fibular", "superficial_fibular", "tibial", "sural", "femoral", "facial", "accessory", "phrenic"];
const SITES = ["palm", "wrist", "forearm", "below_elbow", "elbow", "axilla", "erb", "ankle", "below_fibular_head", "knee", "groin", "mastoid", "neck", "lateral_malleolus", "calf", "leg"];
const MEASURES = ["motor_response", "sensory_response", "f_wave", "h_reflex", "rns", "cmap_scan"];
const NAMES = ["measure", "nerve", "site", "muscle"] as const;
const withNow = (list: readonly string[], now: string) => (list.includes(now) ? [...list] : [now, ...list]);

/** Only what is other than it was; a muscle of the other side takes the side with it. */
export function changes(row: Place, told: Place): Partial<Place> {
  const changed: Partial<Place> = {};
  for (const name of NAMES) if (told[name] !== row[name]) changed[name] = told[name];
  const side = told.muscle.startsWith("right ") ? "right" : told.muscle.startsWith("left ") ? "left" : row.side;
  if (side !== row.side) changed.side = side;
  return changed;
}

/** Id that sweeps of `row` would have a row under, at another place: the same rule as the service's. */
export function rowIdAt(row: RowText, change: Partial<Place>): string {
  const at = { ...row, ...change };
  return [at.measure, at.side, at.nerve, at.site, at.muscle.replace(`${at.side} `, "").replaceAll(" ", "_"), row.run].join(".");
}

/** `left median elbow until KS 14:32`, of a sweep that was moved. */
export function movedWords(text: SweepText): string {
  const { corrected } = text;
  if (!corrected) return "";
  const { side = "", nerve = "", site = "", muscle = "" } = corrected.from ?? {};
  return `was ${side} ${placeWords(nerve)}, ${placeWords(site)}, ${muscle.replace(`${side} `, "")} until ${corrected.by} ${timeOfDay(new Date(corrected.at_utc))}`;
}

/** One line for sweeps that came from one place by one hand: moved together, they are kept one after the other. */
export function movedLines(texts: readonly SweepText[]): string[] {
  const lines = new Map<string, string>();
  for (const text of texts) {
    const words = movedWords(text);
    if (words !== "") lines.set(words.replace(/ [\d:]+$/, ""), words);
  }
  return [...lines.values()];
}

function Pickers({ told, put }: { told: Place; put(next: Place): void }) {
  const recorded = [...muscles.value.map((m) => m.key), ...steps.value.map((s) => s.muscle)];
  const pick = (name: (typeof NAMES)[number], words: string, list: readonly string[], shown: (v: string) => string = placeWords) => (
    <Picker name={words} testid={`correct-${name}`} options={withNow([...new Set(list)], told[name]).map((v) => [v, shown(v)] as const)} chosen={told[name]}
      choose={(v) => put({ ...told, [name]: v })} />
  );
  return (
    <>
      {pick("measure", "Measure", MEASURES, measureWords)}
      {pick("nerve", "Nerve", NERVES)}
      {pick("site", "Site", SITES)}
      {pick("muscle", "Side and muscle", recorded, (v) => v)}
    </>
  );
}

export function CorrectForm() {
  const row = rowHere.value;
  const first = useRef<HTMLFormElement>(null);
  const [told, put] = useState<Place | null>(null);
  const [newest, onlyNewest] = useState(false);
  useLayoutEffect(() => first.current?.querySelector("select")?.focus(), []);
  useEffect(() => { if (!row || row.derived) askCorrect.value = false; }, [row]);
  if (!row) return null;
  const now = told ?? row;
  const changed = changes(row, now);
  const none = Object.keys(changed).length === 0;
  const there = none ? undefined : rows.value.get(rowIdAt(row, changed));
  const send = async () => {
    const last = groupHere.value?.sweeps.at(-1)?.text.id;
    const id = newest && last ? await correctSweep(last, changed) : await correctRow(row.id, changed);
    if (id === null) return;
    askCorrect.value = false;
    const moved = rows.value.get(id);
    if (moved) look(moved);
  };
  return (
    <form ref={first} class="line-form place-form" aria-label="Where these sweeps were taken" data-testid="correct-form" onSubmit={(e) => { e.preventDefault(); void send(); }}>
      <b>Taken at</b>
      <Pickers told={{ measure: now.measure, nerve: now.nerve, site: now.site, side: now.side, muscle: now.muscle }} put={put} />
      <label><input type="checkbox" checked={newest} data-testid="correct-newest" onChange={(e) => onlyNewest(e.currentTarget.checked)} /> only the newest of {row.sweeps.length}</label>
      <button type="submit" data-testid="correct-send" disabled={none}>Correct</button>
      <button type="button" onClick={() => { askCorrect.value = false; }}>Close <Key k="Y" /></button>
      {there ? <span class="dim">joins the {there.sweeps.length} sweeps already there</span> : null}
    </form>
  );
}
