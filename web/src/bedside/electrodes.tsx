// Where to stimulate and record at this step: a schematic drawing, and the words of the protocol.
import { format } from "../format";
import { Side } from "../parts/side";
import { Picker } from "../parts/control";
import { channelOf, nowStep, recordOn } from "../state/stepping";
import { emgLabels } from "../state/study";
import type { Step } from "../wire/table";
import { placementOf, type Figure, type Placement, type Point } from "./places";

const HIGH = 110;
const OUTLINE: Record<Figure, string> = {
  arm: "M2 26 C30 22 60 32 78 34 C110 30 130 38 152 42 C164 38 178 26 196 14 C204 10 208 18 202 24 L184 40 L204 44 L232 42 C238 43 238 51 232 52 L206 53 L236 56 C240 58 240 63 235 64 L206 63 L232 66 C236 68 236 73 231 73 L204 71 L220 77 C224 80 222 86 216 85 L186 80 C172 78 162 74 152 72 C130 78 110 80 78 76 C60 76 30 84 2 80",
  leg: "M2 22 C40 20 80 26 102 32 C130 34 160 38 190 42 C200 46 206 58 216 74 L234 86 C238 92 236 98 230 98 L188 94 C180 90 180 80 178 74 C160 80 130 84 100 78 C70 86 40 92 2 90",
  head: "M96 34 C98 10 132 6 142 24 C146 32 146 38 150 46 L144 50 L144 60 C144 66 134 66 126 66 L124 80 C150 84 186 86 206 108 M96 34 C94 52 100 60 100 68 L98 80 C80 84 48 86 30 108",
};

function Drawing({ place, distanceMm }: { place: Placement; distanceMm: number | null }) {
  const y = (point: Point) => (place.mirrored && place.figure !== "head" ? HIGH - point[1] : point[1]);
  const x = (point: Point) => (place.mirrored && place.figure === "head" ? 240 - point[0] : point[0]);
  const flip = place.figure === "head" ? "translate(240 0) scale(-1 1)" : `translate(0 ${HIGH}) scale(1 -1)`;
  // a name stands on the side of its electrode that is turned away from the others
  const label = (at: Point, words: string) => <text x={Math.min(232, Math.max(8, x(at)))} y={y(at) < HIGH / 2 ? Math.max(9, y(at) - 8) : Math.min(HIGH - 1, y(at) + 16)} text-anchor="middle">{words}</text>;
  const { e1, e2, cathode, anode, ground } = place;
  return (
    <svg class="placement" viewBox={`0 0 240 ${HIGH}`} role="img" data-testid="placement" data-figure={place.figure} aria-label="Placement, schematic: cathode, E1, E2, ground">
      <path class="outline" d={OUTLINE[place.figure]} {...(place.mirrored ? { transform: flip } : {})} />
      {distanceMm === null || place.figure === "head" ? null : <line class="tape" x1={x(cathode)} y1={y(cathode)} x2={x(e1)} y2={y(e1)} />}
      <rect class="pole" x={x(cathode) - 3} y={y(cathode) - 7} width="6" height="14" />
      <rect class="pole open" x={x(anode) - 3} y={y(anode) - 7} width="6" height="14" />
      <text x={x(cathode)} y={y(cathode) - 10} text-anchor="middle">−</text>
      <text x={x(anode)} y={y(anode) - 10} text-anchor="middle">+</text>
      <circle class="pad" cx={x(e1)} cy={y(e1)} r="4.5" />
      {label(e1, "E1")}
      <circle class="pad open" cx={x(e2)} cy={y(e2)} r="4.5" />
      {label(e2, "E2")}
      {ground ? <path class="ground" d={`M${x(ground) - 5} ${y(ground)}h10m-8 3h6m-4 3h2`} /> : null}
    </svg>
  );
}

/** Said before the shock, not after it: nothing would be recorded. Another channel can be taken, its electrodes moved there. */
function NotRecorded({ step }: { step: Step }) {
  const labels = emgLabels.value;
  if (labels.length === 0 || channelOf(step, labels) !== null) return null;
  return (
    <div class="not-assessable" data-testid="not-recorded">
      not recorded: no channel is called {step.muscle}. Move electrodes there, from{" "}
      <Picker name="Channel that records this step" testid="record-on" options={[["", "channel…"], ...labels.map((label) => [label, label] as const)]} chosen=""
        choose={(label) => { if (label !== "") void recordOn(step, label, labels); }} />
    </div>
  );
}

export function Electrodes() {
  const step = nowStep.value;
  if (!step) return <p class="dim">No step is chosen.</p>;
  const place = placementOf(step);
  const words: [string, string | undefined][] = [
    ["On", step.channel ?? undefined], ["Stim.", step.stimulate], ["E1", step.montage?.e1], ["E2", step.montage?.e2], ["Ground", step.montage?.ground],
    ["Usual", step.distance_mm == null ? undefined : format("distance_mm", step.distance_mm)], ["Only if", step.needs ?? undefined], ["Note", step.note || step.train?.note],
  ];
  return (
    <section class="electrodes" aria-label="Electrodes" data-testid="electrodes" tabIndex={0}>
      <h3><Side side={step.side} /> {place ? "schematic" : "no drawing for this place: follow the words"}</h3>
      <NotRecorded step={step} />
      {place ? <Drawing place={place} distanceMm={step.distance_mm ?? null} /> : null}
      <dl>{words.map(([name, said]) => (said ? <div key={name}><dt>{name}</dt><dd>{said}</dd></div> : null))}</dl>
    </section>
  );
}
