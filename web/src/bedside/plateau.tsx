// Whether the stimulus was shown to be supramaximal: the service's sentence, and the amplitudes it rests on.
import { format } from "../format";
import { groupHere, rowHere } from "../state/shown";
import { scanPoints } from "../late/items";

const WIDE = 104;
const HIGH = 44;

function Dots() {
  const points = scanPoints(groupHere.value?.sweeps ?? []).filter((p) => p.included);
  // the CMAP of another row: its pulses are drawn there
  if (points.length === 0) return null;
  const most = Math.max(...points.map((p) => p.amplitudeMv), 1e-9);
  const far = Math.max(...points.map((p) => p.currentMa), 1);
  const from = rowHere.value?.supramaximal?.from_ma ?? null;
  const x = (ma: number) => 4 + (ma / far) * (WIDE - 8);
  return (
    <svg class="plateau" viewBox={`0 0 ${WIDE} ${HIGH}`} width={WIDE} height={HIGH} role="img" data-testid="plateau"
      aria-label={`Amplitude against current, ${points.length} sweeps${from === null ? "" : `, plateau from ${format("current_ma", from)}`}`}>
      <line class="chart-edge" x1="0" x2={WIDE} y1={HIGH - 3} y2={HIGH - 3} />
      {from === null ? null : <line class="chart-edge dashed" x1={x(from)} x2={x(from)} y1="2" y2={HIGH - 3} />}
      {points.map((p, i) => <circle key={i} class={p.absent ? "dot open" : "dot"} r="2.5" cx={x(p.currentMa)} cy={HIGH - 6 - (p.amplitudeMv / most) * (HIGH - 12)} />)}
    </svg>
  );
}

export function Plateau() {
  const told = rowHere.value?.supramaximal ?? null;
  if (!told) return null;
  return (
    <div class="proof">
      <p data-testid="supramaximal" data-proven={told.proven}><span aria-hidden="true">{told.proven ? "✓" : "○"}</span> {told.sentence}</p>
      <Dots />
    </div>
  );
}
