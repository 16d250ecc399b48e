// All that is known of one row: every value with interval, limit, percentile, z, source, the other side and its reasons.
import { format, number, quantityOf } from "../format";
import { Side } from "../parts/side";
import { instead, isAbsent, Judged, limitWords } from "../parts/value";
import { measureWords, placeWords } from "../state/table";
import type { Measurement } from "../wire/messages";
import type { RowText, RowValue } from "../wire/table";
import { quantityWords } from "./columns";

const STATE = { normal: "normal", abnormal: "abnormal", borderline: "borderline", unknown: "unknown" } as const;

function Line({ v }: { v: RowValue }) {
  const quantity = quantityOf(v.quantity);
  return (
    <tr data-quantity={v.quantity}>
      <th scope="row">{quantityWords(v.quantity)}</th>
      <td class="number"><Judged v={v} /> <small class="dim">{v.unit}</small></td>
      <td>{STATE[v.state]}</td>
      <td>{limitWords(v.quantity, v.limit)}</td>
      <td class="number">{v.limit?.percentile == null ? "–" : number("count", v.limit.percentile)}</td>
      <td class="number">{number("z", v.z)}</td>
      <td class="number">{v.other_side ? `${format(quantity, v.other_side.value)}${v.other_side.percent === null ? "" : ` (${format("percent", v.other_side.percent)})`}` : "–"}</td>
      <td class="why">{[...v.reasons, ...(v.limit ? [`${v.limit.source}; ${v.limit.table}`] : [])].join("; ") || "–"}</td>
    </tr>
  );
}

/** `motor_response.left.median.wrist.APB.1` as it is spoken. */
export function rowWords(id: string): string {
  const [measure = "", side = "", nerve = "", site = "", record = "", run = "1"] = id.split(".");
  return `${side} ${placeWords(nerve)} ${measureWords(measure)}, ${placeWords(site)}, ${placeWords(record)}${run === "1" ? "" : `, run ${run}`}`;
}

/** What else is to be said of a row: not what stands in the place of its numbers already. */
export function hintsOf(row: RowText, said: boolean): string[] {
  return said ? row.hints.filter((h) => !row.measurement.reasons.includes(h)) : row.hints;
}

/** In the place of sweeps: a row made of rows has none. */
export function MadeOf({ row }: { row: RowText }) {
  return <div class="detail-space" tabIndex={0} role="group" aria-label="Row made of rows"><Detail row={row} /></div>;
}

/** The detector and its version, once: some name their version themselves. */
function detectorWords(m: Measurement): string {
  const name = m.detector ?? m.measure;
  return name.endsWith(` ${m.version}`) ? name : `${name} ${m.version}`;
}

/** What has a limit first: it is what is looked for. */
const limited = (values: readonly RowValue[]) => [...values.filter((v) => v.limit !== null), ...values.filter((v) => v.limit === null)];

export function Detail({ row }: { row: RowText }) {
  const m = row.measurement;
  return (
    <section class="row-detail" aria-label="Row in full" data-testid="row-detail">
      <h3><Side side={row.side} /> <b>{placeWords(row.nerve)} {measureWords(row.measure)}, {placeWords(row.site)}, {row.muscle.replace(`${row.side} `, "")}</b>, run {row.run}</h3>
      {row.derived ? <p class="dim" data-testid="made-of">Made of {row.inputs?.map(rowWords).join("; ")}{row.flexion_deg == null ? "" : `; elbow flexed ${format("angle_deg", row.flexion_deg)}`}</p> : <p class="dim">
        {row.used.length} of {row.sweeps.length} sweeps, {format("current_ma", row.current_ma)}{row.current_stated ? " (stated, not measured)" : ""}, {format("pulse_us", row.width_us)}; skin,{" "}
        {row.temperature_where}: {row.temperature_c === null ? "not measured" : format("temperature_c", row.temperature_c)};{" "}
        {row.automatic ? "markers automatic" : "changed by hand"}; {detectorWords(m)}
        {row.flexion_deg == null ? "" : `; elbow flexed ${format("angle_deg", row.flexion_deg)}`}{row.after_exercise_s == null ? "" : `; directly after ${format("exercise_s", row.after_exercise_s)} of exercise`}
      </p>}
      {isAbsent(m) ? <p>{instead(m)}: {m.reasons.join("; ")}</p> : instead(m)}
      {row.supramaximal ? <p>{row.supramaximal.sentence}</p> : null}
      {row.maximal_effort == null ? null : <p>maximal effort {row.maximal_effort ? "was reached" : "was not reached"}, as the examiner saw it</p>}
      {row.edit_note ? <p>{row.edit_note}</p> : null}
      {row.gates.map((g) => (
        <p key={g.gate} class="gate"><b>{placeWords(g.gate)}</b>: {g.sentence}{g.falsifies.length > 0 ? <span class="dim"> Can falsify: {g.falsifies.map(placeWords).join(", ")}.</span> : null}</p>
      ))}
      {hintsOf(row, m.state !== "measured").map((h) => <p key={h} class="dim">{h}</p>)}
      {row.values.length === 0 ? null : (
        <table class="values">
          <thead>
            <tr>
              <th scope="col">Quantity</th><th scope="col" class="number">Value</th><th scope="col">State</th><th scope="col">Limit</th>
              <th scope="col" class="number">Percentile</th><th scope="col" class="number">z</th><th scope="col" class="number">Other side</th><th scope="col">Why, and source</th>
            </tr>
          </thead>
          <tbody>{limited(row.values).map((v) => <Line key={v.quantity} v={v} />)}</tbody>
        </table>
      )}
    </section>
  );
}
