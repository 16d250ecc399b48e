// Distance of one row, typed in millimetres: Enter takes it and goes to the next row. Never carried over.
import { useEffect, useState } from "preact/hooks";
import { number } from "../format";
import { setDistance } from "../state/edits";
import { nowStep } from "../state/stepping";
import { placeWords } from "../state/table";
import type { RowText } from "../wire/table";

export const distanceId = (row: RowText) => `distance-${row.id}`;

/** The usual distance of the step, as a hint in the empty field: never a value. Of F-waves the other end of the tape. */
function hint(row: RowText): string {
  if (row.measure === "f_wave") return `to ${row.distance_to}`;
  const step = nowStep.value;
  const usual = step?.rows?.includes(row.id) || step?.id === row.step ? step?.distance_mm : null;
  return usual ? `~${number("distance_mm", usual)}` : "";
}

export function DistanceField({ row }: { row: RowText }) {
  const [typed, type] = useState<string | null>(null);
  useEffect(() => type(null), [row.distance_mm]);
  const enter = async () => {
    if (typed === null) return;
    if (await setDistance(row.id, typed)) type(null);
  };
  return (
    <input id={distanceId(row)} class="distance" inputMode="decimal" data-distance data-testid={`distance-${row.site}`}
      aria-label={`Distance from ${placeWords(row.site)} to ${placeWords(row.distance_to)}, ${row.side} ${placeWords(row.nerve)}, mm`} placeholder={hint(row)}
      value={typed ?? (row.distance_mm === null ? "" : number("distance_mm", row.distance_mm))} onInput={(e) => type(e.currentTarget.value)} onBlur={() => void enter()}
      onKeyDown={(e) => {
        if (e.key !== "Enter") return;
        const fields = [...document.querySelectorAll<HTMLInputElement>("[data-distance]")];
        const next = fields[fields.indexOf(e.currentTarget) + 1];
        if (next) next.focus();
        else e.currentTarget.blur();
      }} />
  );
}
