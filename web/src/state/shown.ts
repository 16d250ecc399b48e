// Which lines of the table the triggered view shows: those of the row looked at, of the step, or of the chosen muscle.
import { computed } from "@preact/signals";
import type { RowText } from "../wire/table";
import { muscle, step } from "./study";
import { rowsOf, sweeps, type Row } from "./sweeps";
import { chosenRow, rows as told } from "./table";
import { chosenMuscle, chosenSite } from "./view";

export interface Shown { measure: string; nerve: string; side: string; muscle: string; rows: Row[] }
interface Source { measure?: string; nerve: string; side: string; muscle: string }

function source(): Source | null {
  const looked = chosenRow.value === null ? undefined : told.value.get(chosenRow.value);
  if (looked) return looked;
  const now = step.value;
  if (now && (now.muscle === chosenMuscle.value || now.muscle === muscle.value?.key)) return now;
  const key = muscle.value?.key;
  return sweeps.value.findLast((s) => s.text.muscle === key)?.text ?? null;
}

export const shown = computed<Shown>(() => {
  const at = source();
  const here = muscle.value;
  if (!at) return { measure: "motor_response", nerve: here?.nerve ?? "", side: here?.side ?? "", muscle: here?.key ?? "", rows: [] };
  const { nerve, side, muscle: key, measure = "motor_response" } = at;
  return { measure, nerve, side, muscle: key, rows: rowsOf(sweeps.value, at, chosenRow.value) };
});

/** The row that keys and forms are about: of the chosen site, else the newest site. */
export const groupHere = computed<Row | null>(() => {
  const { rows } = shown.value;
  return rows.find((r) => r.site === chosenSite.value) ?? rows.at(-1) ?? null;
});
export const rowHere = computed<RowText | null>(() => {
  const looked = chosenRow.value === null ? undefined : told.value.get(chosenRow.value);
  if (looked?.derived) return looked;
  const id = groupHere.value?.id ?? null;
  return id === null ? null : (told.value.get(id) ?? null);
});

/** Look at a row of the table, wherever it stands. */
export function look(row: RowText): void {
  chosenRow.value = row.id;
  chosenSite.value = row.site;
}
