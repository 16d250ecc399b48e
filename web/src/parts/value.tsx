// The only maker of values: measured, stale, absent, or not assessable with the reason in its place.
import { ageWords, format, number, type Quantity } from "../format";
import type { Measurement } from "../wire/messages";

/** A live value with its age: dim after 2 s, gone after a minute. */
export function Value({ quantity, value, ageS }: { quantity: Quantity; value: number | null | undefined; ageS?: number | null }) {
  const stale = ageS !== undefined && ageS !== null && ageS > 2;
  if (stale && ageS > 60) return <span class="value stale">{ageWords(ageS)}</span>;
  return (
    <span class={stale ? "value stale" : "value"}>
      {format(quantity, value)}
      {stale ? `, ${ageWords(ageS)}` : ""}
    </span>
  );
}

/** A value in a table whose head carries the unit. */
export function Cell({ quantity, value, digits }: { quantity: Quantity; value: number | undefined; digits?: number }) {
  return <td class="number">{number(quantity, value, digits)}</td>;
}

/** What cannot be measured, where the number would stand: the reason and what to do. */
export function NotAssessable({ reasons }: { reasons: readonly string[] }) {
  // Some reasons already begin with these words.
  const said = reasons.length > 0 ? reasons.map((r) => r.replace(/^not assessable:\s*/i, "")).join("; ") : "the service gave no reason";
  return (
    <p class="not-assessable" data-testid="not-assessable">
      not assessable: {said}
    </p>
  );
}

/** Looked for and not there, with the floor under which it could hide. */
export function absentWords(m: Measurement): string {
  const floor = m.values["detection_floor_uv"];
  const count = m.values["sweep_count"] ?? m.values["stimulus_count"];
  const parts = [floor === undefined ? "" : `< ${format("emg_uv", floor)}`, count === undefined ? "" : `${count} stimuli`];
  const detail = parts.filter((p) => p !== "").join(", ");
  return detail === "" ? "absent" : `absent (${detail})`;
}
