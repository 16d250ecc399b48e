// The triggered view: sweeps of the study under the electrodes, time zero where the stimulus fell.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Segmented, Stepper } from "../parts/control";
import { NotAssessable } from "../parts/value";
import { format } from "../format";
import { muscle, permissions, step } from "../state/study";
import { rowsOf, sweeps, used, type Row } from "../state/sweeps";
import { chosenSite, stepIn, SWEEP_GAINS_MV, SWEEP_TIMES_MS, sweepGainMv, sweepMode, sweepTimeMs, themeTurns } from "../state/view";
import { Results } from "../bedside/results";
import { flagsOf, flagWords, Markers, selectedFlag } from "./markers";
import { paintCalibration, paintSweeps } from "./sweeppaint";
import { Plot } from "./trace";

/** The nerve, side and muscle shown: the step's, or the chosen muscle's newest. */
export function shownRows(): { nerve: string; rows: Row[]; muscleKey: string } {
  const key = muscle.value?.key ?? "";
  const now = step.value;
  const newest = [...sweeps.value].reverse().find((s) => s.text.muscle === key)?.text;
  const source = now && now.muscle === key ? now : newest;
  if (!source) return { nerve: muscle.value?.nerve ?? "", rows: [], muscleKey: key };
  return { nerve: source.nerve, muscleKey: key, rows: rowsOf(sweeps.value, source.nerve, source.side, key) };
}

function Head({ nerve, muscleKey }: { nerve: string; muscleKey: string }) {
  const end = (list: readonly number[], v: number, i: number) => list.at(i) === v;
  return (
    <div class="panel-head">
      <h2>{nerve ? nerve.charAt(0).toUpperCase() + nerve.slice(1) : "Stimulate"} → {muscleKey}</h2>
      <span class="controls">
        <Segmented name="Sweeps" chosen={sweepMode.value} choose={(v) => { sweepMode.value = v; }}
          options={[["superimpose", "Superimpose"], ["raster", "Raster"], ["cascade", "Cascade"]]} />
        <Stepper name="mV per division" testid="sweep-gain" shown={format("gain_mv", sweepGainMv.value)} atMin={end(SWEEP_GAINS_MV, sweepGainMv.value, 0)}
          atMax={end(SWEEP_GAINS_MV, sweepGainMv.value, -1)} less={() => { sweepGainMv.value = stepIn(SWEEP_GAINS_MV, sweepGainMv.value, -1); }}
          more={() => { sweepGainMv.value = stepIn(SWEEP_GAINS_MV, sweepGainMv.value, 1); }} />
        <Stepper name="sweep ms per division" testid="sweep-time" shown={format("timebase_ms", sweepTimeMs.value)} atMin={end(SWEEP_TIMES_MS, sweepTimeMs.value, 0)}
          atMax={end(SWEEP_TIMES_MS, sweepTimeMs.value, -1)} less={() => { sweepTimeMs.value = stepIn(SWEEP_TIMES_MS, sweepTimeMs.value, -1); }}
          more={() => { sweepTimeMs.value = stepIn(SWEEP_TIMES_MS, sweepTimeMs.value, 1); }} />
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
        paintSweeps(p, latest.current, sweepMode.peek(), sweepGainMv.peek(), chosenSite.peek());
        paintCalibration(p, format("gain_mv", sweepGainMv.peek()).replace("/div", ""), format("timebase_ms", sweepTimeMs.peek()).replace("/div", ""));
      },
      resized: () => setArea(made.area()),
    });
    plot.current = made;
    setArea(made.area());
    return () => made.destroy();
  }, []);
  useEffect(() => plot.current?.rescale(-msPer, msPer), [msPer]);
  useEffect(() => plot.current?.restyle(), [themeTurns.value]);
  useEffect(() => plot.current?.redraw(), [rows, sweepMode.value, sweepGainMv.value, chosenSite.value]);
  return area;
}

function SiteLabels({ rows, area }: { rows: readonly Row[]; area: { top: number; height: number } }) {
  return (
    <div class="rows">
      {rows.map((row, i) => (
        <button type="button" key={row.key} class="row-label" aria-pressed={row.site === chosenSite.value}
          style={{ top: `${area.top + ((i + 0.6) * area.height) / rows.length}px` }} onClick={() => { chosenSite.value = row.site; }}>
          <b>{row.site.replace("_", " ")}</b> <span>{used(row).length} of {row.sweeps.length}</span>
        </button>
      ))}
    </div>
  );
}

export function TriggeredPanel() {
  const host = useRef<HTMLDivElement>(null);
  const { nerve, rows, muscleKey } = useMemo(shownRows, [muscle.value, step.value, sweeps.value]);
  const area = usePlot(host, rows);
  const flags = flagsOf(rows);
  const chosen = selectedFlag(flags);
  const refused = permissions.value.find((p) => p.study === "motor_ncs" && p.allowance === "no");
  const onset = flags.filter((f) => f.number === 1).map(flagWords).join("; ");
  const rastered = sweepMode.value === "raster";
  return (
    <section class="panel triggered" aria-label="Triggered sweeps" data-testid="triggered">
      <Head nerve={nerve} muscleKey={muscleKey} />
      <div class="plot-with-rows">
        {rastered ? null : <SiteLabels rows={rows} area={area} />}
        <span class="unit" aria-hidden="true">ms</span>
        <div class="plot-layer">
          <div class="plot" ref={host} role="img" data-testid="sweep-plot" data-sweeps={rows.reduce((n, r) => n + r.sweeps.length, 0)}
            aria-label={`${nerve} to ${muscleKey}: ${onset || "no response measured"}`} />
          {rastered ? null : <Markers rows={rows} area={area} fromMs={-sweepTimeMs.value} msPerDivision={sweepTimeMs.value} />}
          {refused ? <div class="over-plot"><NotAssessable reasons={[refused.reason]} /></div> : null}
          {rows.length === 0 && !refused ? <p class="over-plot dim">no sweep yet: place, arm, fire</p> : null}
        </div>
      </div>
      <p class="readout" data-testid="marker-readout">{chosen ? flagWords(chosen) : "1 2 3 select a marker"}</p>
      <Results rows={rows} />
    </section>
  );
}
