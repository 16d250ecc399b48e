// The only maker of values: measured, stale, absent, or not assessable with the reason in its place.
import type { ComponentChildren } from "preact";
import { ageWords, format, number, quantityOf, type Quantity } from "../format";
import type { Measurement } from "../wire/messages";
import type { RowLimit, RowValue } from "../wire/table";

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

/** Beyond which side of its limit, or within the borderline band; normal and unknown carry no shape. */
export function stateMark(v: RowValue): string {
  if (v.state === "borderline") return "◇";
  if (v.state !== "abnormal") return "";
  return v.limit?.op === "max" ? "▲" : "▼";
}

/** Half of a 95 % interval, where it is one around the value. */
export function spread(v: RowValue): number | null {
  return v.low === null || v.high === null ? null : (v.high - v.low) / 2;
}

/** A value of the table with its mark; bold where it is abnormal, in words for who cannot see the shape. */
export function Judged({ v, digits }: { v: RowValue | undefined; digits?: number }) {
  if (!v) return <>{number("count", null)}</>;
  const quantity = quantityOf(v.quantity);
  const half = spread(v);
  const mark = stateMark(v);
  return (
    <span class={`value judged ${v.state}`} data-state={v.state}>
      {mark === "" ? null : <span aria-hidden="true">{mark} </span>}
      {number(quantity, v.value, digits)}
      {half === null ? null : <small> ± {number(quantity, half)}</small>}
      {v.state === "abnormal" || v.state === "borderline" ? <span class="only-spoken"> {v.state}</span> : null}
      {v.limit && !v.limit.verified ? <span class="unverified" title="limit unverified">?<span class="only-spoken"> limit unverified</span></span> : null}
    </span>
  );
}

/** ≤ 4.5 ms, and whether anybody has checked it. */
export function limitWords(quantity: string, limit: RowLimit | null): string {
  if (!limit) return "none";
  const at = `${limit.op === "min" ? "≥" : "≤"}\u00a0${format(quantityOf(quantity), limit.value)}`;
  return limit.verified ? at : `${at} (limit unverified)`;
}

/** What cannot be measured, where the number would stand: the reason and what to do. */
export function NotAssessable({ reasons }: { reasons: readonly string[] }) {
  // Some reasons already begin with these words.
  const said = reasons.length > 0 ? [...new Set(reasons.map((r) => r.replace(/^not assessable:\s*/i, "")))].join("; ") : "the service gave no reason";
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

export const isAbsent = (m: Measurement) => m.state === "absent";

/** What stands where the numbers would; null where there are numbers. */
export function instead(m: Measurement): ComponentChildren {
  if (m.state === "not_assessable") return <NotAssessable reasons={m.reasons} />;
  return isAbsent(m) ? absentWords(m) : null;
}

/** The same in a few words, for a line of a list. */
export function insteadWords(m: Measurement): string {
  if (m.state === "not_assessable") return "cannot be assessed";
  return isAbsent(m) ? absentWords(m) : "";
}
