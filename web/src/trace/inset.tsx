// The onset with a gain of its own: the average around marker 1, while that marker is selected.
import { format } from "../format";
import { traces, type Trace } from "../state/table";
import { onsetGainUv, ONSET_GAINS_UV, stepIn } from "../state/view";
import type { Flag } from "./markers";

const WIDE = 168;
const HIGH = 96;
const SPAN_MS = 4;
const DIVISIONS = 4;

/** SVG points of the average within ± half the span of `centreMs`, negative up, the level before it on the middle line. */
export function insetPoints(trace: Trace, centreMs: number, gainUv: number): string {
  const perMs = trace.rateHz / 1000;
  const first = Math.max(0, Math.ceil(trace.zero + (centreMs - SPAN_MS / 2) * perMs));
  const last = Math.min(trace.values.length - 1, Math.floor(trace.zero + (centreMs + SPAN_MS / 2) * perMs));
  const level = trace.values[first] ?? 0;
  const points: string[] = [];
  for (let i = first; i <= last; i++) {
    const x = (((i - trace.zero) / perMs - centreMs) / SPAN_MS + 0.5) * WIDE;
    const y = HIGH / 2 + (((trace.values[i] ?? 0) - level) / gainUv / DIVISIONS) * HIGH;
    // far beyond the frame is beyond the frame: an artefact must not make endless strokes
    points.push(`${Math.round(x * 10) / 10},${Math.round(Math.min(2 * HIGH, Math.max(-HIGH, y)) * 10) / 10}`);
  }
  return points.join(" ");
}

export function OnsetInset({ flag }: { flag: Flag }) {
  const trace = flag.row.id === null ? undefined : traces.value.get(flag.row.id);
  if (!trace) return null;
  const gain = onsetGainUv.value;
  const turn = (by: 1 | -1) => { onsetGainUv.value = stepIn(ONSET_GAINS_UV, gain, by); };
  return (
    <figure class="inset" data-testid="onset-inset">
      <svg viewBox={`0 0 ${WIDE} ${HIGH}`} preserveAspectRatio="none" role="img" aria-label={`Onset at ${format("latency_ms", flag.ms)}, ${format("gain_uv", gain)}, ${format("span_ms", SPAN_MS)} across`}>
        <line class="inset-line" x1={WIDE / 2} x2={WIDE / 2} y1="0" y2={HIGH} />
        <line class="inset-line" x1="0" x2={WIDE} y1={HIGH / 2} y2={HIGH / 2} stroke-dasharray="3 3" />
        <polyline class="inset-trace" points={insetPoints(trace, flag.ms, gain)} />
      </svg>
      <figcaption>
        <button type="button" aria-label="Onset gain down" onClick={() => turn(1)}>−</button>
        <span data-testid="onset-gain">{format("gain_uv", gain)}</span>
        <button type="button" aria-label="Onset gain up" onClick={() => turn(-1)}>+</button>
      </figcaption>
    </figure>
  );
}
