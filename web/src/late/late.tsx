// Pictures of the batch measures: H and M against current, decrement bars, CMAP scan, MUNIX. Numbers are the service's.
import type { ComponentChildren } from "preact";
import { format } from "../format";
import { instead } from "../parts/value";
import type { Row } from "../state/sweeps";
import { measureWords, rows } from "../state/table";
import type { Measurement } from "../wire/messages";
import { above, Chart, type Scale } from "./chart";
import { hPoints, rnsTrains, scanPoints } from "./items";
import { MunixPlot } from "./munix";

/** Measures with a picture of their own in place of the sweeps. */
export const PICTURED: ReadonlySet<string> = new Set(["h_reflex", "rns", "cmap_scan", "munix"]);

function HCurve({ m }: { m: Measurement }) {
  const points = hPoints(m);
  const most = above(points.flatMap((p) => [p.mMv, p.hMv]), 0.1);
  const currents = points.map((p) => p.currentMa);
  return (
    <Chart label={`M and H against current, ${points.length} currents`} x={{ low: Math.min(...currents, 0), high: above(currents, 1), label: "mA" }}
      y={{ low: 0, high: most, label: "mV: ● M   ○ H" }}>
      {(x, y) => (
        <>
          <polyline class="chart-line" points={points.map((p) => `${x.at(p.currentMa)},${y.at(p.mMv)}`).join(" ")} />
          <polyline class="chart-line dashed" points={points.map((p) => `${x.at(p.currentMa)},${y.at(p.hMv)}`).join(" ")} />
          {points.map((p) => <circle key={`m${p.currentMa}`} class="dot" r="4" cx={x.at(p.currentMa)} cy={y.at(p.mMv)} />)}
          {points.map((p) => <circle key={`h${p.currentMa}`} class="dot open" r="4" cx={x.at(p.currentMa)} cy={y.at(p.hMv)} />)}
        </>
      )}
    </Chart>
  );
}

/** Each train's ten responses as % of its first: amplitude filled, area open. */
function RnsBars({ m }: { m: Measurement }) {
  const trains = rnsTrains(m);
  const total = trains.reduce((n, t) => n + t.amplitudeMv.length + 1, 0);
  const share = (list: readonly number[], i: number) => (100 * (list[i] ?? 0)) / (list[0] || 1);
  const most = above(trains.flatMap((t) => t.amplitudeMv.map((_, i) => share(t.amplitudeMv, i))), 110);
  return (
    <Chart label={`Responses of ${trains.length} trains, % of the first`} x={{ low: 0, high: Math.max(1, total), label: "response", bare: true }}
      y={{ low: 0, high: most, label: "% of the first: ■ amplitude   □ area" }}>
      {(x, y) => {
        let at = 0;
        return trains.map((t) => {
          const begin = at + 0.5;
          at += t.amplitudeMv.length + 1;
          const words = t.afterS === null ? t.phase : `${format("span_ms", t.afterS).replace(/\u00a0.*/, "")}\u00a0s after`;
          return (
            <g key={t.number}>
              {t.amplitudeMv.map((_, i) => <Bar key={i} x={x} y={y} at={begin + i} value={share(t.amplitudeMv, i)} area={t.areaMvMs.length > i ? share(t.areaMvMs, i) : null} />)}
              <text x={x.at(begin)} y={y.at(0) + 16}>{words}{t.largest === null ? "" : `, ${format("percent", -t.largest)}`}{t.smooth ? "" : ", uneven"}</text>
            </g>
          );
        });
      }}
    </Chart>
  );
}

function Bar({ x, y, at, value, area }: { x: Scale; y: Scale; at: number; value: number; area: number | null }) {
  const wide = x.at(1) - x.at(0);
  const bar = (shift: number, size: number, kind: string) => (
    <rect class={kind} x={x.at(at) + shift * wide} y={Math.min(y.at(size), y.at(0))} width={0.34 * wide} height={Math.abs(y.at(0) - y.at(size))} />
  );
  return <>{bar(0.05, value, "dot")}{area === null ? null : bar(0.45, area, "dot open")}</>;
}

function ScanPlot({ m, row }: { m: Measurement; row: Row }) {
  const points = scanPoints(row.sweeps);
  const currents = points.map((p) => p.currentMa);
  const [low, high] = [Math.min(...currents), Math.max(...currents)];
  const marks = (["s5_ma", "s50_ma", "s95_ma"] as const).flatMap((key) => { const at = m.values[key]; return at === undefined ? [] : [[key, at] as const]; });
  if (points.length === 0) return <p class="over-plot dim">no stimulus of the scan yet</p>;
  return (
    <Chart label={`CMAP scan, ${points.length} stimuli`} x={{ low: low === high ? low - 1 : low, high: low === high ? high + 1 : high, label: "mA" }}
      y={{ low: 0, high: above(points.map((p) => p.amplitudeMv), 0.1), label: "mV: ● response   ○ none or left out" }}>
      {(x, y) => (
        <>
          {marks.map(([key, at]) => (
            <g key={key}>
              <line class="chart-edge dashed" x1={x.at(at)} x2={x.at(at)} y1={y.at(0)} y2={12} />
              <text x={x.at(at) + 3} y="22">{key.split("_", 1)[0]?.toUpperCase()}</text>
            </g>
          ))}
          {points.map((p, i) => <circle key={i} class={p.absent || !p.included ? "dot open" : "dot"} r="2.5" cx={x.at(p.currentMa)} cy={y.at(p.amplitudeMv)} />)}
        </>
      )}
    </Chart>
  );
}

/** The picture of a batch; what cannot be assessed keeps its picture and says why above it. */
export function Picture({ row, m, measure }: { row: Row | null; m: Measurement | null; measure: string }) {
  if (!row || !m) return <div class="picture"><p class="over-plot dim">{measureWords(measure)}: nothing recorded yet</p></div>;
  let drawn: ComponentChildren = null;
  if (measure === "h_reflex") drawn = <HCurve m={m} />;
  else if (measure === "rns") drawn = <RnsBars m={m} />;
  else if (measure === "cmap_scan") drawn = <ScanPlot m={m} row={row} />;
  else if (measure === "munix") drawn = <MunixPlot m={m} ids={row.id === null ? [] : (rows.value.get(row.id)?.epochs ?? [])} live={row.id} />;
  const items = m.items?.length ?? 0;
  return (
    <div class="picture" data-testid={`picture-${measure}`}>
      {measure === "munix" && items > 0 ? null : instead(m)}
      {items > 0 || measure === "cmap_scan" ? drawn : null}
    </div>
  );
}
