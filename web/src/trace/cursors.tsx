// Two cursors on the frozen picture. The numbers come from the service, from raw samples.
import { useEffect, useState } from "preact/hooks";
import { format, NOT_MEASURED } from "../format";
import { Handle } from "../parts/handle";
import { device, muscle, stream } from "../state/study";
import { cursors, presetId, windowS } from "../state/view";
import { get, type Readout, type Refusal } from "../wire/api";
import type { ColumnRing } from "./columns";

const ASK_AFTER_MS = 120;

/** Position under a place of the picture: behind the head lies this sweep, ahead of it the one before. */
export function positionAt(ring: ColumnRing, fraction: number, window: number): number {
  const head = ring.head ?? 0;
  const width = window * ring.columnsPerS;
  const position = Math.floor(head / width) * width + fraction * width;
  return position < head ? position : position - width;
}

export function Cursors({ area }: { area: { left: number; top: number; width: number; height: number } }) {
  const windowMs = windowS.value * 1000;
  return (
    <div class="handles">
      {cursors.value.map((fraction, i) => {
        const name = i === 0 ? "A" : "B";
        return (
          <Handle
            key={name} label={`Cursor ${name}`} text={format("span_ms", fraction * windowMs)} flag={name} selected={false} dashed
            testid={`cursor-${name}`} x={area.left + fraction * area.width} top={area.top} height={area.height}
            value={fraction * windowMs} min={0} max={windowMs} step={windowMs / 1000} bigStep={windowMs / 50}
            pixelsPerUnit={area.width / windowMs} select={() => undefined}
            move={(ms) => {
              const f = ms / windowMs;
              cursors.value = i === 0 ? [f, cursors.value[1]] : [cursors.value[0], f];
            }}
          />
        );
      })}
    </div>
  );
}

function readoutQuery(ring: ColumnRing, channel: string) {
  const places = cursors.value.map((f) => ring.sampleAt(positionAt(ring, f, windowS.value)));
  const [a, b] = places;
  const told = stream.value;
  if (!a || !b || !told || !device.value) return "no samples under a cursor";
  if (a.epoch !== b.epoch) return "the cursors lie in two epochs: not assessable";
  return {
    device: device.value.id, stream: told.name, epoch: a.epoch, channel, preset: presetId.value,
    first: Math.min(a.index, b.index), last: Math.max(a.index, b.index),
  };
}

export function CursorReadout({ ring }: { ring: ColumnRing }) {
  const channel = muscle.value?.channel ?? null;
  const [told, tell] = useState<Readout | string>("");
  useEffect(() => {
    if (channel === null) return;
    let current = true;
    const timer = setTimeout(() => {
      const query = readoutQuery(ring, channel);
      if (typeof query === "string") return tell(query);
      get<Readout>("readout", query).then((r) => { if (current) tell(r); }, (e: Refusal) => { if (current) tell(e.message); });
    }, ASK_AFTER_MS);
    return () => { current = false; clearTimeout(timer); };
  }, [ring, channel, cursors.value, presetId.value, windowS.value]);
  if (typeof told === "string") return <p class="readout" data-testid="readout">{channel}: {told || NOT_MEASURED}</p>;
  return (
    <p class="readout" data-testid="readout">
      <b>{channel}</b>
      <span data-testid="readout-dt">Δt {format("span_ms", told.dt_ms)}</span>
      <span data-testid="readout-pp">p-p {format("emg_uv", told.peak_to_peak_uv)}</span>
      <span data-testid="readout-rms">RMS {format("emg_uv", told.rms_uv)}</span>
      {told.reasons.length > 0 ? <span>{told.reasons.join("; ")}</span> : null}
    </p>
  );
}
