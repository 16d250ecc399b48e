// The simulated truth beside what the bedside measured of the chosen muscle. The service compares; the page shows.
import { useEffect } from "preact/hooks";
import { number, quantityOf } from "../format";
import { beside, besideTrouble, chosen, compare, type Line } from "./simulator";

const AGAIN_MS = 4000;
const NAMES: Record<string, string> = {
  amplitude_mv: "CMAP amplitude", onset_latency_ms: "CMAP onset", velocity_m_s: "velocity", f_min_ms: "F latency, shortest",
  persistence_percent: "F persistence", h_m_ratio: "H/M", h_latency_ms: "H latency", onset_to_peak_uv: "SNAP amplitude", unit_count: "motor units",
  fasciculations_per_min: "fasciculations", clonus_burst_count: "clonus beats", shared_drive_share: "coherence | drive left",
};
/** In words; a quantity that nobody has named keeps the service's own name. */
export const lineName = (quantity: string) => NAMES[quantity] ?? quantity.replaceAll("_", " ");

function Row({ line }: { line: Line }) {
  const form = quantityOf(line.quantity);
  return (
    <tr data-testid={`beside-${line.quantity}`}>
      <th scope="row">{lineName(line.quantity)} <small class="dim">{line.place}</small></th>
      <td class="number" data-of="measured">{number(form, line.measured)}</td>
      <td class="number" data-of="truth">{number(form, line.truth)}</td>
      <td class="number" data-of="difference">{number(form, line.difference)}</td>
      <td>{line.unit}</td>
      <td class="why">{line.note}</td>
    </tr>
  );
}

export function BesidePanel() {
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) void compare(); }, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => { void compare(); }, [chosen.value]);
  const told = beside.value;
  return (
    <section class="panel" data-testid="beside">
      <h2>{chosen.value ?? "Muscle"}: measured beside the simulated truth</h2>
      {besideTrouble.value !== "" ? <p class="not-assessable">{besideTrouble.value}</p> : null}
      <div class="scrolls" tabIndex={0} role="region" aria-label="Measured and simulated truth">
        <table class="beside-table">
          <thead>
            <tr><th scope="col">Quantity</th><th scope="col">Measured</th><th scope="col">Truth</th><th scope="col">Difference</th><th scope="col">Unit</th><th scope="col">Remark</th></tr>
          </thead>
          <tbody>{(told?.lines ?? []).map((line, i) => <Row key={i} line={line} />)}</tbody>
        </table>
      </div>
      {told === null ? <p class="dim">waiting for the simulator's answer</p> : null}
    </section>
  );
}
