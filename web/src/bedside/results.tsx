// The table of sites: numbers of the row's average, as the service measured them.
import type { ComponentChildren } from "preact";
import { latencyDigits, unitOf, type Quantity } from "../format";
import { absentWords, Cell, NotAssessable } from "../parts/value";
import { used, type Row } from "../state/sweeps";
import { chosenSite } from "../state/view";
import { measurementOf } from "../trace/markers";

interface Column { head: string; key: string; quantity: Quantity; latency?: boolean }
const COLUMNS: readonly Column[] = [
  { head: "Onset", key: "onset_latency_ms", quantity: "latency_ms", latency: true },
  { head: "Peak", key: "peak_latency_ms", quantity: "latency_ms", latency: true },
  { head: "Amplitude", key: "amplitude_mv", quantity: "cmap_mv" },
  { head: "Area", key: "area_mv_ms", quantity: "area_mv_ms" },
  { head: "Duration", key: "duration_ms", quantity: "duration_ms", latency: true },
];

function values(row: Row): ComponentChildren {
  const m = measurementOf(row);
  if (m?.state === "not_assessable") return <td colSpan={COLUMNS.length}><NotAssessable reasons={m.reasons} /></td>;
  if (m?.state === "absent") return <td colSpan={COLUMNS.length}>{absentWords(m)}</td>;
  const digits = latencyDigits(row.newest.rate_hz);
  return COLUMNS.map((c) => <Cell key={c.key} quantity={c.quantity} value={m?.values[c.key]} {...(c.latency ? { digits } : {})} />);
}

export function Results({ rows }: { rows: readonly Row[] }) {
  return (
    <div class="table-space" tabIndex={0} role="group" aria-label="Sites, table">
      <table class="results" data-testid="results">
        <thead>
          <tr>
            <th scope="col">Site</th>
            {COLUMNS.map((c) => <th scope="col" key={c.key} class="number">{c.head}<br /><span>{unitOf(c.quantity)}</span></th>)}
            <th scope="col" class="number">Current<br /><span>mA</span></th>
            <th scope="col" class="number">Sweeps<br /><span>used of all</span></th>
          </tr>
        </thead>
        <tbody>
          {rows.length === 0 ? <tr><td colSpan={COLUMNS.length + 3} class="dim">no response recorded here yet</td></tr> : null}
          {rows.map((row) => (
            <tr key={row.key} class={row.site === chosenSite.value ? "chosen" : ""} data-testid={`result-${row.site}`}>
              <th scope="row">{row.site.replace("_", " ")}</th>
              {values(row)}
              <Cell quantity="current_ma" value={row.newest.current_ma ?? undefined} />
              <td class="number">{used(row).length} of {row.sweeps.length}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
