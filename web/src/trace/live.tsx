// The live strip: all channels, fixed scales, sweeping write head, freeze with two cursors.
import { useEffect, useRef, useState } from "preact/hooks";
import { Key, Picker, Stepper } from "../parts/control";
import { ageWords, format, timeOfDay } from "../format";
import { cards, clock, device, muscles, presets, stream, tick, truth } from "../state/study";
import {
  chosenMuscle, DIVISIONS_Y, frozenAt, GAINS_UV, gainUv, notch, preset, presetId, stepIn, themeTurns, timeMs, TIMES_MS, windowS,
} from "../state/view";
import { paintLive } from "./livepaint";
import { freeze, seamName, still, strip } from "./strip";
import { everyFrame, Plot } from "./trace";
import { CursorReadout, Cursors } from "./cursors";
import type { LeadFault } from "../wire/messages";

const SIXTY = "-n60";
/** Rows lower than this have one line: the side is then a letter. */
const TWO_LINES_PX = 30;

function isStale(): boolean {
  const { state } = truth.value;
  return state === "lost" || state === "stopped";
}

/** One plot for the strip: redrawn when samples came, when a control moved, never otherwise. */
function useStrip(host: { current: HTMLDivElement | null }) {
  const plot = useRef<Plot | null>(null);
  const [area, setArea] = useState({ left: 0, top: 0, width: 0, height: 0 });
  useEffect(() => {
    if (!host.current) return;
    let drawn = "";
    const made = new Plot({
      host: host.current, fromMs: 0, msPerDivision: timeMs.peek(), zeroRule: false,
      paint: (p) => {
        const ring = still.peek() ?? strip.peek()?.ring;
        if (ring) paintLive(p, { ring, windowS: windowS.peek(), gainUv: gainUv.peek(), stale: isStale() && !still.peek(), seamName });
      },
      resized: () => { setArea(made.area()); drawn = ""; },
    });
    plot.current = made;
    setArea(made.area());
    const end = everyFrame(() => {
      const ring = still.peek() ?? strip.peek()?.ring;
      const key = `${ring?.head}|${ring?.gaps.length}|${gainUv.peek()}|${windowS.peek()}|${isStale()}|${still.peek() !== null}|${ring?.capacity}`;
      if (key === drawn) return;
      drawn = key;
      made.redraw();
    });
    return () => { end(); made.destroy(); };
  }, []);
  useEffect(() => plot.current?.rescale(0, timeMs.value), [timeMs.value]);
  useEffect(() => plot.current?.restyle(), [themeTurns.value]);
  return area;
}

function Rows({ top, height }: { top: number; height: number }) {
  const labels = strip.value?.labels ?? [];
  const low = height / Math.max(1, labels.length) < TWO_LINES_PX;
  return (
    <div class="rows">
      {labels.map((label, i) => {
        const muscle = muscles.value.find((m) => m.channel === label);
        const [side, ...name] = label.split(" ");
        const two = name.length > 0 && (side === "left" || side === "right");
        const shown = (two ? name.join(" ") : label).replace(SENSORY, "");
        const wrong = ((muscle && cards.value.get(muscle.key)?.lead) ?? []).map((fault) => FAULTS[fault]).join(", ");
        return (
          <button
            type="button" key={label} class="row-label" aria-pressed={muscle?.key === chosenMuscle.value} disabled={!muscle} aria-label={wrong ? `${label}: ${wrong}` : label}
            style={{ top: `${top + ((i + 0.5) * height) / labels.length}px` }}
            onClick={() => { if (muscle) chosenMuscle.value = muscle.key; }}
          >
            <b>{shown}</b> {two ? <span class={low ? "beside" : ""}>{low ? side?.charAt(0).toUpperCase() : side}</span> : null}
            {wrong ? <span class="fault" data-testid={`fault-${label}`}>{wrong}</span> : null}
          </button>
        );
      })}
    </div>
  );
}

/** What is wrong with a lead, as it is said beneath its name. */
const FAULTS: Record<LeadFault, string> = { lead_off: "lead off", saturated: "clipped", mains: "mains", elsewhere: "moved" };
/** Names of sensory recordings end so; beside the trace there is no room for it. */
const SENSORY = / SNAP$/;
/** Of a channel name without its side: muscles are four letters, sensory recordings a nerve and a place. */
const isLong = (label: string) => label.replace(/^(left|right) /, "").replace(SENSORY, "").length > 5;

/** Over a trace that is not live: how old it is, by the service's time. */
function StaleNote() {
  tick.value;
  const { state, ageS, sentence } = truth.value;
  const told = device.value;
  if (state === "live" || ageS === null || ageS < 0.5 || frozenAt.value !== null) {
    return state === "live" ? null : <p class="stale-note">{sentence}</p>;
  }
  const at = told?.newestS === null || told === null ? "" : ` ${timeOfDay(clock.utc(told.newestS ?? 0))}`;
  const next = state === "lost" ? " Replug: it goes on as a new epoch." : "";
  return <p class="stale-note" data-testid="stale-note">last sample{at}{ageS > 2 ? `, ${ageWords(ageS)}` : ""}. {sentence}{next}</p>;
}

const gainWords = () => (gainUv.value < 1000 ? format("gain_uv", gainUv.value) : format("gain_mv", gainUv.value / 1000));

/** As in the service: an upper edge beyond this share of half the rate is left out. */
const USABLE = 0.95;

/** The band of a preset's label as far as the stream's rate allows it; which notch is said by the choice itself. */
function band(label: string, rateHz: number): string {
  const text = label.replace(/^surface (?=\d)/, "").replace(/,? *notch.*$/, "");
  const edges = /(\d+)(?: Hz)?[-–](\d+) (k?)Hz/.exec(text);
  if (!edges) return text;
  const upperHz = Number(edges[2]) * (edges[3] ? 1000 : 1);
  return upperHz < (USABLE * rateHz) / 2 ? text.replace(/(\d)-(\d)/, "$1–$2") : text.replace(edges[0], `≥ ${edges[1]} Hz`);
}

/** Every preset that has a notch, with either: one choice, since they are one filter. */
function filters(): [string, string][] {
  const base = presets.value.filter((p) => !p.id.endsWith(SIXTY));
  return base.flatMap((p): [string, string][] => {
    const words = band(p.label, stream.value?.rate_hz ?? Infinity);
    return p.label.includes("notch") ? [[p.id, `${words}, notch 50`], [p.id + SIXTY, `${words}, notch 60`]] : [[p.id, words]];
  });
}

function chooseFilter(id: string): void {
  notch.value = id.endsWith(SIXTY) ? 60 : 50;
  preset.value = id.replace(SIXTY, "");
}

function Head() {
  tick.value;
  const labels = strip.value?.labels ?? [];
  const frozen = frozenAt.value;
  const at = (list: readonly number[], v: number, end: number) => list.at(end) === v;
  return (
    <div class="panel-head">
      <h2 class={frozen === null ? "" : "frozen"} data-testid="live-title">
        {frozen === null ? "Live" : `FROZEN ${format("count", (performance.now() - frozen) / 1000)} s`}
      </h2>
      <span class="dim">{labels.length} channels</span>
      <span class="controls">
        <Stepper name="µV per division" testid="live-gain" shown={gainWords()} atMin={at(GAINS_UV, gainUv.value, 0)}
          atMax={at(GAINS_UV, gainUv.value, -1)} less={() => { gainUv.value = stepIn(GAINS_UV, gainUv.value, -1); }}
          more={() => { gainUv.value = stepIn(GAINS_UV, gainUv.value, 1); }} />
        <Stepper name="ms per division" testid="live-time" shown={format("timebase_ms", timeMs.value)} atMin={at(TIMES_MS, timeMs.value, 0)}
          atMax={at(TIMES_MS, timeMs.value, -1)} less={() => { timeMs.value = stepIn(TIMES_MS, timeMs.value, -1); }}
          more={() => { timeMs.value = stepIn(TIMES_MS, timeMs.value, 1); }} />
        <Picker name="Filter" testid="filter" options={filters()} chosen={presetId.value} choose={chooseFilter} />
        <button type="button" data-testid="freeze" aria-pressed={frozen !== null} onClick={freeze}>
          {frozen === null ? "Freeze" : "Go on"} <Key k="F" />
        </button>
      </span>
    </div>
  );
}

export function LivePanel() {
  const host = useRef<HTMLDivElement>(null);
  const area = useStrip(host);
  const frozen = still.value;
  const row = area.height / DIVISIONS_Y;
  return (
    <section class="panel live" aria-label="Live traces" data-testid="live">
      <Head />
      {frozen ? <CursorReadout ring={frozen} /> : null}
      <div class={`plot-with-rows${(strip.value?.labels ?? []).some(isLong) ? " wide" : ""}`}>
        <Rows top={area.top} height={area.height} />
        <div class="cal" aria-hidden="true" style={{ top: `${area.top}px`, height: `${row}px` }} />
        <span class="unit" aria-hidden="true">ms</span>
        <div class="plot-layer">
          <div class="plot" ref={host} role="img" data-testid="live-plot"
            aria-label={`${strip.value?.labels.length ?? 0} channels, ${gainWords()}, ${format("timebase_ms", timeMs.value)}, negative up${frozen ? ", frozen" : ""}`} />
          {frozen ? <Cursors area={area} /> : null}
          <StaleNote />
        </div>
      </div>
    </section>
  );
}
