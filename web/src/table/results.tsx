// The rows at hand, one line per site; the same cells as in the whole table and in the report.
import type { ComponentChildren } from "preact";
import { format, latencyDigits, NOT_MEASURED, number, quantityOf, unitOf } from "../format";
import { munixItems } from "../late/items";
import { instead, Judged, limitWords } from "../parts/value";
import { Side } from "../parts/side";
import { include } from "../state/actions";
import { keepSweep } from "../state/edits";
import { groupHere, shown } from "../state/shown";
import { used, type Row, type SweepRecord } from "../state/sweeps";
import { placeWords, valueOf } from "../state/table";
import { chosenSite } from "../state/view";
import { lineOf, measurementOf } from "../trace/markers";
import type { RowText } from "../wire/table";
import { columnsOf, COMPARED, DERIVED, HAS_DISTANCE, VELOCITY, type Column } from "./columns";
import { ConditionFields } from "./condition";
import { movedLines } from "./correct";
import { hintsOf } from "./detail";
import { DistanceField } from "./distance";

const valueIn = (line: RowText | undefined, c: Column) => c.keys.map((k) => valueOf(line, k)).find((v) => v !== undefined);
const unit = (c: Column) => unitOf(quantityOf(c.keys[0] ?? ""));

/** Every cell after the place: values, or what stands in their stead. fixed: of a study that is only looked at. */
export function Cells({ line, fixed = false }: { line: RowText; fixed?: boolean }) {
  const columns = columnsOf(line.measure);
  const m = line.measurement;
  const digits = latencyDigits(line.rate_hz);
  const stead = instead(m);
  const velocity = valueOf(line, VELOCITY[line.measure] ?? "");
  const other = valueOf(line, COMPARED[line.measure] ?? "")?.other_side ?? null;
  return (
    <>
      {stead === null
        ? columns.map((c) => {
          const v = valueIn(line, c);
          const latency = v && quantityOf(v.quantity) === "latency_ms";
          return <td key={c.head} class="number"><Judged v={v} {...(latency ? { digits } : {})} /></td>;
        })
        : <td colSpan={columns.length} data-testid={`instead-${line.site}`}>{stead}</td>}
      {HAS_DISTANCE.has(line.measure) ? <td class="number">{fixed ? number("distance_mm", line.distance_mm) : <DistanceField row={line} />}</td> : null}
      {HAS_DISTANCE.has(line.measure) ? <td class="number" data-testid={`velocity-${line.site}`}><Judged v={velocity} /></td> : null}
      {DERIVED.has(line.measure) ? null : <td class="number">{other ? format(quantityOf(COMPARED[line.measure] ?? ""), other.difference).replace(/\u00a0.*/, "") : NOT_MEASURED}</td>}
    </>
  );
}

export function Heads({ measure }: { measure: string }) {
  const compared = COMPARED[measure];
  const head = (words: string, under: string) => <th scope="col" key={words} class="number">{words}<br /><span>{under}</span></th>;
  return (
    <>
      {columnsOf(measure).map((c) => head(c.head, unit(c)))}
      {HAS_DISTANCE.has(measure) ? head("Distance", "mm") : null}
      {HAS_DISTANCE.has(measure) ? head("Velocity", "m/s") : null}
      {DERIVED.has(measure) ? null : head("−\u00a0other side", compared ? unitOf(quantityOf(compared)) : "")}
    </>
  );
}

/** How many columns stand beside the place. */
export function widthOf(measure: string): number {
  return columnsOf(measure).length + (HAS_DISTANCE.has(measure) ? 2 : 0) + (DERIVED.has(measure) ? 0 : 1);
}

/** Limits of the distal row, in its own columns. */
function LimitLine({ line }: { line: RowText }) {
  const short = (c: Column) => { const v = valueIn(line, c); return v?.limit ? limitWords(v.quantity, v.limit).replace(/\u00a0\D+$/, "") : "none"; };
  return (
    <tr class="limits dim">
      <th scope="row">Limit, {placeWords(line.site)}</th>
      {columnsOf(line.measure).map((c) => <td key={c.head} class="number">{short(c)}</td>)}
      {HAS_DISTANCE.has(line.measure) ? <><td class="number">–</td><td class="number">–</td></> : null}
      <td class="number">–</td>
      <td />
    </tr>
  );
}

/** Why a sweep that is in is left out of the average all the same. */
export const artefactOf = (line: RowText | null, id: string) => line?.rejected?.find((r) => r.sweep === id)?.why ?? null;

/** One sweep: a press takes it out or puts it back; one left out as an artefact is put in by hand. */
function SweepButton({ s, at, line }: { s: SweepRecord; at: number; line: RowText | null }) {
  if (s.text.voluntary) return <EpochButton s={s} at={at} line={line} />;
  const { id, included, current_ma: ma } = s.text;
  const artefact = included ? artefactOf(line, id) : null;
  const used = line?.used.includes(id) ?? false;
  const words = !included ? "excluded" : artefact ? `left out: ${artefact}; press to keep it` : used ? "in the average" : "not in the average";
  return (
    <button type="button" aria-pressed={!included || artefact !== null} title={`${format("current_ma", ma)}, ${words}`} data-artefact={artefact !== null}
      aria-label={`Sweep ${at}, ${format("current_ma", ma)}${artefact ? `, ${words}` : included && !used ? ", not in the average" : ""}, excluded`} class={used ? "in-average" : ""} onClick={() => void (artefact ? keepSweep(id, true) : include(s, !included))}>
      {included && !artefact ? at : <s>{at}</s>}{artefact ? <span aria-hidden="true"> ⌁</span> : null}
    </button>
  );
}

/** One epoch of effort: the same, with its area and what keeps it from being used. */
function EpochButton({ s, at, line }: { s: SweepRecord; at: number; line: RowText | null }) {
  const { id, included } = s.text;
  const item = line ? munixItems(line.measurement).find((one) => line.epochs?.[one.epoch] === id) : undefined;
  const out = included ? (item?.leftOut ?? "") : "";
  const words = `${format("area_mv_ms", item?.areaMvMs)}${out === "" ? "" : `, not used: ${out}`}`;
  return (
    <button type="button" aria-pressed={!included} title={`epoch, ${included ? words : "excluded"}`} aria-label={`Epoch ${at}, ${words}, excluded`}
      class={included && out === "" ? "in-average" : ""} onClick={() => void include(s, !included)}>
      {included ? at : <s>{at}</s>}{out === "" ? null : <span aria-hidden="true"> ○</span>}
    </button>
  );
}

function SweepList({ words, list, line, testid }: { words: string; list: readonly SweepRecord[]; line: RowText | null; testid: string }) {
  if (list.length === 0) return null;
  return (
    <div class="sweep-list" role="group" aria-label={`${words} of this row: press to exclude or restore`} data-testid={testid}>
      <span class="dim">{words}</span>
      {list.map((s, i) => <SweepButton key={s.text.id} s={s} at={i + 1} line={line} />)}
    </div>
  );
}

/** What is to be known of the chosen row: doubts with what they can falsify, hints, edits; and its sweeps, each in or out. */
export function Notes({ line, group, span }: { line: RowText | null; group: Row | null; span: number }) {
  if (!group) return null;
  return (
    <tr class="notes">
      <td colSpan={span}>
        {line ? <ConditionFields row={line} /> : null}
        {line?.edit_note ? <p>{line.edit_note}</p> : null}
        {movedLines(group.sweeps.map((s) => s.text)).map((w) => <p key={w} data-testid="corrected">{w}</p>)}
        {line?.gates.map((g) => (
          <p key={g.gate} class="gate" data-gate={g.gate}><b>{placeWords(g.gate)}</b>: {g.sentence}{g.falsifies.length > 0 ? <span class="dim"> Can falsify: {g.falsifies.map(placeWords).join(", ")}.</span> : null}</p>
        ))}
        {(line ? hintsOf(line, line.measurement.state === "not_assessable") : []).map((h) => <p key={h} class="dim">{h}</p>)}
        <SweepList words="Sweeps" list={group.sweeps.filter((s) => !s.text.voluntary)} line={line} testid="sweep-list" />
        <SweepList words="Epochs" list={group.sweeps.filter((s) => s.text.voluntary)} line={line} testid="epoch-list" />
      </td>
    </tr>
  );
}

function untold(row: Row): ComponentChildren {
  const m = measurementOf(row);
  return (m ? instead(m) : null) ?? "waiting for the service's numbers";
}

export function Results({ rows }: { rows: readonly Row[] }) {
  const { measure, side } = shown.value;
  const here = groupHere.value;
  const span = widthOf(measure) + 2;
  const distal = rows.map(lineOf).find((line) => line?.values.some((v) => v.limit !== null)) ?? null;
  return (
    <div class="table-space" tabIndex={0} role="group" aria-label="Sites, table">
      <table class="results" data-testid="results">
        <thead>
          <tr>
            <th scope="col">{side ? <Side side={side} /> : "Site"}</th>
            <Heads measure={measure} />
            <th scope="col" class="number">Current<br /><span>mA</span></th>
          </tr>
        </thead>
        <tbody>
          {rows.length === 0 ? <tr><td colSpan={span} class="dim">no response recorded here yet</td></tr> : null}
          {rows.map((row) => {
            const line = lineOf(row);
            return (
              <tr key={row.key} class={row === here ? "chosen" : ""} data-testid={`result-${row.site}`} onClick={() => { chosenSite.value = row.site; }}>
                <th scope="row">{placeWords(row.site)}{(row.newest.run ?? 1) > 1 ? <small class="dim"> run {row.newest.run}</small> : null} <small class="dim">{used(row).length}/{row.sweeps.length}</small></th>
                {line ? <Cells line={line} /> : <td colSpan={widthOf(measure)}>{untold(row)}</td>}
                <td class="number">{format("current_ma", line?.current_ma ?? row.newest.current_ma).replace(/\u00a0.*/, "")}</td>
              </tr>
            );
          })}
          {distal ? <LimitLine line={distal} /> : null}
          <Notes line={here ? lineOf(here) : null} group={here} span={span} />
        </tbody>
      </table>
    </div>
  );
}
