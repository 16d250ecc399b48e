// The sweeps of a row of a study that is looked at: earlier ones behind, its average on top, its markers as lines.
import { useEffect, useRef } from "preact/hooks";
import { format } from "../format";
import { Segmented, Stepper } from "../parts/control";
import { reviewTraces, sweepsOf, type RowSweeps } from "../state/review";
import { numbered, SERIES } from "../state/table";
import { stepIn, SWEEP_GAINS_MV, SWEEP_TIMES_MS, sweepGainMv, sweepMode, sweepTimeMs, themeTurns, DIVISIONS_Y } from "../state/view";
import { BASELINE, baseline, paintCalibration } from "../trace/sweeppaint";
import { Plot, rule, strokeSamples, type Paint } from "../trace/trace";
import type { SweepText } from "../wire/messages";
import type { RowText } from "../wire/table";

const MODES = [["superimpose", "Superimpose"], ["raster", "Raster"]] as const;
const RASTER_MOST = 20;
const gainWords = (mv: number) => (mv < 1 ? format("gain_uv", mv * 1000) : format("gain_mv", mv));

/** Shown sweep by sweep: asked for, or a series, which has no average of its own. */
const isRaster = (row: RowText) => sweepMode.peek() === "raster" || SERIES.has(row.measure);

function paintRow(p: Paint, row: RowText, texts: readonly SweepText[], told: RowSweeps, gainMv: number): void {
  const used = new Set(row.used);
  const raster = isRaster(row);
  const from = raster ? Math.max(0, told.sweeps.length - RASTER_MOST) : 0;
  const pitch = DIVISIONS_Y / Math.max(1, told.sweeps.length - from);
  told.sweeps.slice(from).forEach((values, i) => {
    const id = row.sweeps[i + from] ?? "";
    const zero = texts.find((t) => t.id === id)?.zero_index ?? row.zero_index;
    const centre = raster ? (i + BASELINE) * pitch : baseline(0, 1);
    strokeSamples(p, values, (k) => (1000 * (k - zero)) / row.rate_hz, (uv) => p.y(centre + uv / 1000 / gainMv), { ink: raster ? p.inks.trace : p.inks.old, width: 1, dashed: !used.has(id) });
  });
  if (raster) return;
  const y = (uv: number) => p.y(baseline(0, 1) + uv / 1000 / gainMv);
  strokeSamples(p, told.average, (k) => (1000 * (k - row.zero_index)) / row.rate_hz, y, { ink: p.inks.trace, width: 2 });
  for (const mark of numbered(row.measurement)) rule(p.ctx, p.x((1000 * (mark.index - row.zero_index)) / row.rate_hz), p.top, p.height, p.inks.text, p.dpr);
}

export function ReviewPlot({ row, sweeps }: { row: RowText; sweeps: readonly SweepText[] }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const told = reviewTraces.value.get(row.id);
  const latest = useRef({ row, sweeps });
  latest.current = { row, sweeps };
  const [gain, time] = [sweepGainMv.value, sweepTimeMs.value];
  useEffect(() => {
    if (!host.current) return;
    const made = new Plot({
      host: host.current, fromMs: -sweepTimeMs.peek(), msPerDivision: sweepTimeMs.peek(), zeroRule: true,
      paint: (p) => {
        const { row: now, sweeps: list } = latest.current;
        const traces = reviewTraces.peek().get(now.id);
        if (traces) paintRow(p, now, sweepsOf(list, now), traces, sweepGainMv.peek());
        paintCalibration(p, gainWords(sweepGainMv.peek()).replace("/div", ""), format("timebase_ms", sweepTimeMs.peek()).replace("/div", ""));
      },
      resized: () => undefined,
    });
    plot.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => plot.current?.rescale(-time, time), [time]);
  useEffect(() => plot.current?.restyle(), [themeTurns.value]);
  useEffect(() => plot.current?.redraw(), [row, told, gain, sweepMode.value]);
  const turn = (by: 1 | -1) => { sweepGainMv.value = stepIn(SWEEP_GAINS_MV, gain, by); };
  const slower = (by: 1 | -1) => { sweepTimeMs.value = stepIn(SWEEP_TIMES_MS, time, by); };
  return (
    <>
      <div class="panel-head">
        <h2>Sweeps: {row.used.length} of {row.sweeps.length} in use</h2>
        <span class="controls">
          <Segmented name="Sweeps" chosen={isRaster(row) ? "raster" : "superimpose"} choose={(v) => { sweepMode.value = v; }} options={MODES} />
          <Stepper name="mV per division" shown={gainWords(gain)} less={() => turn(-1)} more={() => turn(1)} />
          <Stepper name="sweep ms per division" shown={format("timebase_ms", time)} less={() => slower(-1)} more={() => slower(1)} />
        </span>
      </div>
      <div class="plot-layer review-plot">
        <div class="plot" ref={host} role="img" data-testid="review-plot" data-sweeps={told ? told.sweeps.length : 0}
          aria-label={`Sweeps of ${row.side} ${row.nerve}, ${row.site}: ${numbered(row.measurement).map((k) => `${k.name} ${format("latency_ms", (1000 * (k.index - row.zero_index)) / row.rate_hz)}, ${k.by}`).join("; ") || "no marker"}`} />
        {told ? null : <p class="over-plot dim">reading the sweeps…</p>}
      </div>
    </>
  );
}
