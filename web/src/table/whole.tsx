// The whole table of the study, by measure; a row chosen here is the one the sweeps, keys and forms are about.
import { useRef, useEffect } from "preact/hooks";
import { Side } from "../parts/side";
import { look, rowHere } from "../state/shown";
import { measureWords, ordered, stimulatedWords } from "../state/table";
import { centre } from "../state/view";
import type { RowText } from "../wire/table";
import { measuresOf } from "./columns";
import { Detail } from "./detail";
import { Cells, Heads } from "./results";

function Line({ row, here }: { row: RowText; here: boolean }) {
  return (
    <tr class={here ? "chosen" : ""} data-row={row.id} onClick={() => look(row)}>
      <td><Side side={row.side} /></td>
      <th scope="row">
        <button type="button" class="row-name" aria-pressed={here} onClick={() => look(row)} onDblClick={() => { centre.value = "triggered"; }}>
          {stimulatedWords(row.nerve, row.site)} → {row.muscle.replace(`${row.side} `, "")}{row.run > 1 ? `, run ${row.run}` : ""}
        </button>
      </th>
      <Cells line={row} />
    </tr>
  );
}

/** Up or down in the whole table, for the keys. */
export function moveRow(by: 1 | -1): void {
  const list = ordered.value;
  const at = list.findIndex((r) => r.id === rowHere.value?.id);
  const next = list[(at + by + list.length) % Math.max(1, list.length)];
  if (next) look(next);
}

export function WholeTable() {
  const list = ordered.value;
  const here = rowHere.value;
  const space = useRef<HTMLDivElement>(null);
  useEffect(() => space.current?.querySelector("tr.chosen")?.scrollIntoView({ block: "nearest" }), [here?.id]);
  return (
    <section class="panel whole" aria-label="Table of the study" data-testid="whole-table">
      <div class="panel-head"><h2>Table</h2><span class="dim">{list.length} {list.length === 1 ? "row" : "rows"}; ▼ ▲ beyond the limit, ◇ borderline, ? limit unverified</span></div>
      <div class="whole-space" ref={space} tabIndex={0} role="group" aria-label="All rows">
        {list.length === 0 ? <p class="dim empty">No row yet: every stimulated site makes one.</p> : null}
        {measuresOf(list).map((measure) => (
          <table class="results" key={measure} data-measure={measure}>
            <caption>{measureWords(measure)}</caption>
            <thead><tr><th scope="col">Side</th><th scope="col">Nerve, site → recorded</th><Heads measure={measure} /></tr></thead>
            <tbody>{list.filter((r) => r.measure === measure).map((row) => <Line key={row.id} row={row} here={row.id === here?.id} />)}</tbody>
          </table>
        ))}
      </div>
      {here ? <div class="detail-space" tabIndex={0} role="group" aria-label="Row in full"><Detail row={here} /></div> : null}
    </section>
  );
}
