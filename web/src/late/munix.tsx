// MUNIX: the ideal case motor unit count of each epoch against its area, the power fit, and where the index is read.
import { format, number } from "../format";
import { include } from "../state/actions";
import { effortOf } from "../state/effort";
import { clock, tick } from "../state/study";
import { sweeps } from "../state/sweeps";
import type { Measurement } from "../wire/messages";
import { Chart } from "./chart";
import { munixPoints } from "./items";

/** Area at which the index is read (Nandedkar 2004): there the curve has the value MUNIX. */
const INDEX_AREA_MV_MS = 20;
const ROOM = 1.25;

/** A press on a point leaves its epoch out or takes it back. */
function turn(id: string | undefined): void {
  const record = id === undefined ? undefined : sweeps.value.find((s) => s.text.id === id);
  if (record) void include(record, !record.text.included);
}

/** ids: the epochs in the order of the items; empty: of a study that is only looked at. */
export function MunixPlot({ m, ids, live = null }: { m: Measurement; ids: readonly string[]; live?: string | null }) {
  tick.value;
  const points = munixPoints(m);
  const now = live === null ? null : effortOf(live, clock.now());
  const { munix, exponent_value: exponent } = m.values;
  if (points.length === 0) return <p class="over-plot dim">no epoch that a CMAP could be held against yet</p>;
  const areas = [...points.map((p) => p.areaMvMs), INDEX_AREA_MV_MS];
  const counts = [...points.map((p) => p.icmuc), ...(munix === undefined ? [] : [munix])];
  const [low, high] = [Math.min(...areas) / ROOM, Math.max(...areas) * ROOM];
  const [least, most] = [Math.min(...counts) / ROOM, Math.max(...counts) * ROOM];
  const fit = (area: number) => (munix ?? 0) * (area / INDEX_AREA_MV_MS) ** (exponent ?? 0);
  const inside = now !== null && now.icmuc !== null && now.area_mv_ms > low && now.area_mv_ms < high && now.icmuc > least && now.icmuc < most;
  return (
    <Chart label={`MUNIX, ${points.length} epochs${munix === undefined ? "" : `, ${number("count", munix)} at 20 mV·ms`}`} x={{ low, high, label: "epoch area, mV·ms", log: true }}
      y={{ low: least, high: most, label: "ideal case count: ● used   ○ left out", log: true }}>
      {(x, y) => (
        <>
          <line class="chart-edge dashed" x1={x.at(INDEX_AREA_MV_MS)} x2={x.at(INDEX_AREA_MV_MS)} y1={y.at(least)} y2={y.at(most)} />
          <text x={x.at(INDEX_AREA_MV_MS) + 4} y={y.at(least) - 6}>20</text>
          {munix === undefined || exponent === undefined ? null : (
            <>
              <line class="chart-line" x1={x.at(low)} x2={x.at(high)} y1={y.at(fit(low))} y2={y.at(fit(high))} />
              <rect class="dot open" x={x.at(INDEX_AREA_MV_MS) - 5} y={y.at(munix) - 5} width="10" height="10" data-testid="munix-point" />
              <text class="chart-say" x={x.at(INDEX_AREA_MV_MS) + 10} y={y.at(munix) - 6}>MUNIX {number("count", munix)}</text>
            </>
          )}
          {points.map((p) => (
            <circle key={p.epoch} class={p.leftOut === "" ? "dot" : "dot open"} r="4" cx={x.at(p.areaMvMs)} cy={y.at(p.icmuc)} onClick={() => turn(ids[p.epoch])}>
              <title>{`epoch ${p.epoch + 1}, ${format("area_mv_ms", p.areaMvMs)}${p.leftOut === "" ? "" : `: ${p.leftOut}`}`}</title>
            </circle>
          ))}
          {inside && now.icmuc !== null ? <path class="chart-now" d={`M${x.at(now.area_mv_ms)} ${y.at(now.icmuc)}m-7 0h14m-7 -7v14`} /> : null}
        </>
      )}
    </Chart>
  );
}
