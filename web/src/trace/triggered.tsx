// The triggered view: sweeps of the rows at hand, time zero where the stimulus fell.
import { useEffect, useRef, useState } from "preact/hooks";
import { AbsentForm } from "../table/absent";
import { CorrectForm } from "../table/correct";
import { MadeOf } from "../table/detail";
import { Results } from "../table/results";
import { Segmented, Stepper } from "../parts/control";
import { Side } from "../parts/side";
import { NotAssessable } from "../parts/value";
import { format } from "../format";
import { Effort } from "../late/effort";
import { fTicks } from "../late/items";
import { Picture, PICTURED } from "../late/late";
import { groupHere, rowHere, shown } from "../state/shown";
import { permissions } from "../state/study";
import { used, type Row } from "../state/sweeps";
import { halves, placeWords, SERIES, traces, wantHalves, wantTrace } from "../state/table";
import {
  askAbsent, askCorrect, chosenSite, rasterTopPx, showHalves, stepIn, SWEEP_GAINS_MV, SWEEP_TIMES_MS, sweepGainMv, sweepMode, sweepTimeMs, themeTurns, type SweepMode,
} from "../state/view";
import { HuntLine, huntRows } from "./hunt";
import type { Measurement } from "../wire/messages";
import type { RowText } from "../wire/table";
import { OnsetInset } from "./inset";
import { flagsOf, flagWords, lineOf, Markers, measurementOf, selectedFlag } from "./markers";
import { paintCalibration, paintSweeps, rastered, rasterPitch } from "./sweeppaint";
import { Plot } from "./trace";

const gainWords = (mv: number) => (mv < 1 ? format("gain_uv", mv * 1000) : format("gain_mv", mv));

/** Where it is recorded: a sensory place without its nerve, which is named already. */
export function recordWords(nerve: string, side: string, muscle: string): string {
  const record = muscle.replace(`${side} `, "");
  return record === nerve ? "sensory" : record.replace(`${nerve} `, "");
}

export function modesOf(measure: string): SweepMode[] {
  const modes: SweepMode[] = ["superimpose", "raster", "cascade"];
  return PICTURED.has(measure) ? ["picture", ...modes] : modes;
}
/** The mode in force: a picture exists for the batch measures only. */
export function modeNow(): SweepMode {
  return sweepMode.value === "picture" && !PICTURED.has(shown.value.measure) ? "superimpose" : sweepMode.value;
}

function Head() {
  const { nerve, muscle, side, measure } = shown.value;
  const end = (list: readonly number[], v: number, i: number) => list.at(i) === v;
  const words = { picture: "Curve", superimpose: "Superimpose", raster: "Raster", cascade: "Cascade" } as const;
  return (
    <div class="panel-head">
      <h2>{nerve ? placeWords(nerve.charAt(0).toUpperCase() + nerve.slice(1)) : "Stimulate"} → {side ? <Side side={side} /> : null} {recordWords(nerve, side, muscle)}</h2>
      <span class="controls">
        <Segmented name="Sweeps" chosen={modeNow()} choose={(v) => { sweepMode.value = v; }} options={modesOf(measure).map((v) => [v, words[v]] as const)} />
        {modeNow() === "picture" ? null : <><Stepper name="mV per division" testid="sweep-gain" shown={gainWords(sweepGainMv.value)} atMin={end(SWEEP_GAINS_MV, sweepGainMv.value, 0)}
          atMax={end(SWEEP_GAINS_MV, sweepGainMv.value, -1)} less={() => { sweepGainMv.value = stepIn(SWEEP_GAINS_MV, sweepGainMv.value, -1); }}
          more={() => { sweepGainMv.value = stepIn(SWEEP_GAINS_MV, sweepGainMv.value, 1); }} />
        <Stepper name="sweep ms per division" testid="sweep-time" shown={format("timebase_ms", sweepTimeMs.value)} atMin={end(SWEEP_TIMES_MS, sweepTimeMs.value, 0)}
          atMax={end(SWEEP_TIMES_MS, sweepTimeMs.value, -1)} less={() => { sweepTimeMs.value = stepIn(SWEEP_TIMES_MS, sweepTimeMs.value, -1); }}
          more={() => { sweepTimeMs.value = stepIn(SWEEP_TIMES_MS, sweepTimeMs.value, 1); }} /></>}
      </span>
    </div>
  );
}

function usePlot(host: { current: HTMLDivElement | null }, rows: readonly Row[]) {
  const plot = useRef<Plot | null>(null);
  const latest = useRef(rows);
  latest.current = rows;
  const [area, setArea] = useState({ left: 0, top: 0, width: 0, height: 0 });
  const msPer = sweepTimeMs.value;
  useEffect(() => {
    if (!host.current) return;
    const made = new Plot({
      host: host.current, fromMs: -sweepTimeMs.peek(), msPerDivision: sweepTimeMs.peek(), zeroRule: true,
      paint: (p) => {
        paintSweeps(p, latest.current, modeNow(), sweepGainMv.peek(), chosenSite.peek(), fTicks(rowHere.peek()));
        paintCalibration(p, gainWords(sweepGainMv.peek()).replace("/div", ""), format("timebase_ms", sweepTimeMs.peek()).replace("/div", ""));
      },
      resized: () => setArea(made.area()),
    });
    plot.current = made;
    setArea(made.area());
    return () => made.destroy();
  }, []);
  useEffect(() => plot.current?.rescale(-msPer, msPer), [msPer]);
  useEffect(() => plot.current?.restyle(), [themeTurns.value]);
  useEffect(() => plot.current?.redraw(), [rows, sweepMode.value, sweepGainMv.value, chosenSite.value, traces.value, rasterTopPx.value, rowHere.value, showHalves.value, halves.value]);
  return area;
}

/** Over a raster that is higher than its plot: scrolled by wheel, by touch, by arrows with the focus; the newest sweep comes into view by itself. */
function RasterScroll({ row, area }: { row: Row; area: { left: number; top: number; width: number; height: number } }) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const count = rastered(row).length;
  const pitch = rasterPitch(area.height, count);
  const high = pitch * count;
  useEffect(() => {
    const here = box.current;
    // who has scrolled up looks at something: it stays where it is
    if (here && atEnd.current) here.scrollTop = high;
    rasterTopPx.value = here?.scrollTop ?? 0;
  }, [row.key, high, area.height]);
  const scrolled = (here: HTMLDivElement) => {
    rasterTopPx.value = here.scrollTop;
    atEnd.current = here.scrollTop + here.clientHeight >= here.scrollHeight - 2 * pitch;
  };
  useEffect(() => () => { rasterTopPx.value = 0; }, []);
  if (high <= area.height + 1) return null;
  return (
    <div ref={box} class="raster-scroll" tabIndex={0} role="group" aria-label={`${count} sweeps, oldest on top; scroll for those out of view`} data-testid="raster-scroll"
      style={{ left: `${area.left}px`, top: `${area.top}px`, width: `${area.width}px`, height: `${area.height}px` }} onScroll={(e) => scrolled(e.currentTarget)}>
      <div style={{ height: `${high}px` }} />
    </div>
  );
}

function SiteLabels({ rows, area }: { rows: readonly Row[]; area: { top: number; height: number } }) {
  return (
    <div class="rows">
      {rows.map((row, i) => (
        <button type="button" key={row.key} class="row-label" aria-pressed={row.site === chosenSite.value}
          style={{ top: `${area.top + ((i + 0.6) * area.height) / rows.length}px` }} onClick={() => { chosenSite.value = row.site; }}>
          <b>{placeWords(row.site)}</b> <span>{used(row).length} of {row.sweeps.length}</span>
        </button>
      ))}
    </div>
  );
}

/** Sweeps against time, with the markers of each row's average. */
function SweepPlot({ rows }: { rows: readonly Row[] }) {
  const host = useRef<HTMLDivElement>(null);
  const area = usePlot(host, rows);
  const { nerve, muscle } = shown.value;
  const flags = flagsOf(rows);
  const chosen = selectedFlag(flags);
  const refused = permissions.value.find((p) => p.study === "motor_ncs" && p.allowance === "no");
  const onset = flags.filter((f) => f.number === 1).map(flagWords).join("; ");
  const raster = modeNow() === "raster";
  const scrolled = rows.find((r) => r.site === chosenSite.value) ?? rows.at(-1);
  useEffect(() => {
    for (const row of rows) {
      const line = lineOf(row);
      if (line) wantTrace(line);
      if (line && showHalves.value && !SERIES.has(line.measure)) wantHalves(line);
    }
  });
  return (
    <div class="plot-with-rows">
      {raster ? null : <SiteLabels rows={rows} area={area} />}
      <span class="unit" aria-hidden="true">ms</span>
      <div class="plot-layer">
        <div class="plot" ref={host} role="img" data-testid="sweep-plot" data-sweeps={rows.reduce((n, r) => n + r.sweeps.length, 0)}
          aria-label={`${nerve} to ${muscle}: ${onset || "no response measured"}`} />
        {raster ? scrolled ? <RasterScroll key={scrolled.key} row={scrolled} area={area} /> : null : <Markers rows={rows} area={area} fromMs={-sweepTimeMs.value} msPerDivision={sweepTimeMs.value} />}
        {refused ? <div class="over-plot"><NotAssessable reasons={[refused.reason]} /></div> : null}
        {rows.length === 0 && !refused ? <p class="over-plot dim">no sweep yet: place, arm, fire</p> : null}
      </div>
      {chosen?.number === 1 && !raster ? <OnsetInset flag={chosen} /> : null}
    </div>
  );
}

/** What the two halves show: drawn, and in numbers where the measure has them. */
function halvesWords(line: RowText | null, m: Measurement | null): string {
  if (!line || line.used.length < 2) return "halves: two sweeps in the average are needed";
  const alike = m?.values["halves_correlation"];
  return `odd sweeps ──, even sweeps ┄┄, of ${line.used.length}${alike === undefined ? "" : `; correlation ${format("fraction", alike)}`}; Shift+V the average again`;
}

export function TriggeredPanel() {
  const { rows, measure } = shown.value;
  const chosen = selectedFlag(flagsOf(rows));
  const here = groupHere.value;
  const hunt = huntRows.value;
  const line = rowHere.value;
  const said = showHalves.value && !SERIES.has(measure) ? halvesWords(line, here ? measurementOf(here) : null) : SERIES.has(measure) ? `sweeps: ${here?.sweeps.length ?? 0}; V another view, X exclude the last` : chosen ? flagWords(chosen) : "1 2 3 select a marker";
  return (
    <section class="panel triggered" aria-label="Triggered sweeps" data-testid="triggered">
      <Head />
      {hunt ? <HuntLine /> : null}
      {hunt ? <SweepPlot rows={hunt} /> : line?.derived ? <MadeOf row={line} /> : <Effort line={line}>{modeNow() === "picture" ? <Picture row={here} m={here ? measurementOf(here) : null} measure={measure} /> : <SweepPlot rows={rows} />}</Effort>}
      {askAbsent.value ? <AbsentForm /> : askCorrect.value ? <CorrectForm /> : measure === "munix" && !hunt ? null : <p class="readout" data-testid="marker-readout">{said}</p>}
      {line?.derived ? null : <Results rows={rows} />}
    </section>
  );
}
