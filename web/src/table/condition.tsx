// How a row was taken: the flexion of the elbow where the ulnar nerve crosses it, exercise directly before the run.
import { useEffect, useState } from "preact/hooks";
import { format, number, typedNumber, type Quantity } from "../format";
import { Key } from "../parts/control";
import { exerciseEnded, setCondition, type Condition } from "../state/edits";
import { tell } from "../state/events";
import { rowHere } from "../state/shown";
import type { RowText } from "../wire/table";

const ID = "condition";
const FORM = {
  flexion_deg: { words: "Elbow flexion, °", quantity: "angle_deg", least: 0, most: 150 },
  after_exercise_s: { words: "Directly after exercise of, s", quantity: "exercise_s", least: 1, most: 120 },
} as const satisfies Record<keyof Condition, { words: string; quantity: Quantity; least: number; most: number }>;

/** Which of the two a row has: across the elbow its flexion, of a response or a train whether it followed exercise. */
export function conditionsOf(row: RowText): (keyof Condition)[] {
  if (row.derived) return [];
  const asked: (keyof Condition)[] = [];
  if (row.measure === "motor_response" && row.nerve === "ulnar" && row.site === "elbow") asked.push("flexion_deg");
  if (row.measure === "motor_response" || row.measure === "rns") asked.push("after_exercise_s");
  return asked;
}

export function conditionKey(): void {
  const field = document.getElementById(ID);
  if (field) field.focus();
  else tell(rowHere.value ? "this row has neither an angle nor exercise to be told" : "angle and exercise belong to a row; stimulate first");
}

function Field({ row, name, first }: { row: RowText; name: keyof Condition; first: boolean }) {
  const { words, quantity, least, most } = FORM[name];
  const known = row[name] ?? null;
  const [typed, type] = useState<string | null>(null);
  useEffect(() => type(null), [known, row.id]);
  const enter = async () => {
    if (typed === null) return;
    const value = typedNumber(typed);
    if (typed.trim() !== "" && (value === null || value < least || value > most)) {
      tell(`${words.toLowerCase()}: "${typed.trim()}" is not ${number("count", least)} to ${number("count", most)}`);
      return;
    }
    const both: Condition = { flexion_deg: row.flexion_deg ?? null, after_exercise_s: row.after_exercise_s ?? null };
    if (await setCondition(row.id, { ...both, [name]: value })) type(null);
  };
  return (
    <label>{words} <input {...(first ? { id: ID } : {})} inputMode="decimal" data-testid={`condition-${name}`} placeholder={name === "flexion_deg" ? "not told" : "at rest"}
      value={typed ?? (known === null ? "" : number(quantity, known))} onInput={(e) => type(e.currentTarget.value)} onBlur={() => void enter()}
      onKeyDown={(e) => { if (e.key === "Enter") e.currentTarget.blur(); }} /></label>
  );
}

/** The key: exercise has ended now. Told again, the later moment holds. */
export function exerciseKey(): void {
  const row = rowHere.value;
  if (row?.measure === "rns" && !row.derived) void exerciseEnded(row.id, true);
  else tell("exercise: only between trains of repetitive stimulation; of another run, type how long it lasted");
}

function Exercise({ row }: { row: RowText }) {
  const ended = row.exercise_ended;
  return (
    <span class="condition" data-testid="exercise">
      <button type="button" data-testid="exercise-ended" onClick={() => void exerciseEnded(row.id, true)}>Exercise ended now <Key k="Shift+E" /></button>
      {ended ? (
        <>
          <span>ended {format("exercise_s", ended.since_s)} after stimulus {row.sweeps.indexOf(ended.sweep) + 1}: trains after it are held against those before</span>
          <button type="button" onClick={() => void exerciseEnded(row.id, false)}>Take back</button>
        </>
      ) : null}
    </span>
  );
}

export function ConditionFields({ row }: { row: RowText }) {
  const asked = conditionsOf(row);
  if (asked.length === 0) return null;
  return (
    <div class="condition" role="group" aria-label="How this row was taken">
      {asked.map((name, i) => <Field key={name} row={row} name={name} first={i === 0} />)}
      {row.measure === "rns" ? <Exercise row={row} /> : null}
    </div>
  );
}
