// The live strip's data: one view of the service, folded into a ring; frozen is a still copy.
import { signal } from "@preact/signals";
import type { Frame } from "../wire/frames";
import type { EpochText, GapText, Text, ViewReply } from "../wire/messages";
import type { LiveSocket } from "../wire/live";
import { clock, device, emgLabels, stream } from "../state/study";
import { tellGap } from "../state/events";
import { format, timeOfDay } from "../format";
import { frozenAt, presetId, windowS } from "../state/view";
import { columnsFor, ColumnRing } from "./columns";

const NAME = "strip";
const SPARE_S = 1;

/** What is drawn: replaced when the view changes, never per block. */
export const strip = signal<{ ring: ColumnRing; labels: string[]; preset: string } | null>(null);
export const still = signal<ColumnRing | null>(null);
let view: ViewReply | null = null;
let early: Frame[] = [];

/** Ask for the view that the present window, filter and channels need. */
export function askForView(socket: LiveSocket): void {
  const told = stream.value;
  const dev = device.value;
  if (!told || !dev || emgLabels.value.length === 0) return;
  socket.subscribe(NAME, {
    device: dev.id,
    stream: told.name,
    channels: emgLabels.value,
    preset: presetId.value,
    columns_per_s: columnsFor(windowS.value, told.rate_hz),
  });
}

export function stripText(message: Text): void {
  if (message.type === "gap") gapped(message);
  if (message.type === "epoch") seamed(message);
}

export function stripViewed(name: string, reply: ViewReply): void {
  if (name !== NAME) return;
  const before = view;
  view = reply;
  const ring = strip.value?.ring;
  const seconds = windowS.value + SPARE_S;
  const same = before !== null && ring !== undefined && before.preset === reply.preset && before.columns_per_s === reply.columns_per_s
    && ring.channels === reply.channels.length && ring.decimation === reply.decimation && ring.rateHz === reply.rate_hz
    && ring.capacity >= seconds * ring.columnsPerS;
  if (!same) {
    const fresh = new ColumnRing(reply.channels.length, reply.rate_hz, Math.max(1, reply.decimation), seconds);
    strip.value = { ring: fresh, labels: reply.channels, preset: reply.preset };
  }
  if (strip.value) strip.value.ring.settlingSamples = reply.settling_samples;
  for (const frame of early) stripFrame(frame);
  early = [];
}

export function stripFrame(frame: Frame): void {
  const ring = strip.value?.ring;
  if (view === null || frame.view !== view.view || ring === undefined) {
    early = [...early.slice(-4), frame];
    return;
  }
  ring.push(frame);
}

/** The strip after a change of timebase alone may need a longer ring for the same view. */
export function fitRing(): void {
  const now = strip.value;
  if (!now || view === null) return;
  const seconds = windowS.value + SPARE_S;
  if (now.ring.capacity >= seconds * now.ring.columnsPerS) return;
  const ring = new ColumnRing(now.ring.channels, now.ring.rateHz, now.ring.decimation, seconds);
  ring.settlingSamples = now.ring.settlingSamples;
  strip.value = { ...now, ring };
}

function gapped(gap: GapText): void {
  const rate = stream.value?.rate_hz ?? 0;
  strip.value?.ring.addGap(gap.epoch, gap.first_missing, gap.count, gap.cause ?? "lost on the way from the device", gap.cause === "too_old");
  if (gap.cause === "too_old") return;
  tellGap(gap.count, (n, gaps) => {
    const ms = rate > 0 ? ` (${format("latency_ms", (1000 * n) / rate)})` : "";
    return `lost ${format("count", n)} samples, all channels${ms}${gaps > 1 ? `, ${format("count", gaps)} gaps` : ""}; gap drawn`;
  }, clock.utc(gap.at_s));
}

function seamed(epoch: EpochText): void {
  const at = timeOfDay(clock.utc(epoch.at_s));
  seamNames.set(epoch.epoch, `epoch ${epoch.epoch} · ${at}`);
}
const seamNames = new Map<number, string>();
export function seamName(epoch: number): string {
  return seamNames.get(epoch) ?? `epoch ${epoch}`;
}

export function freeze(): void {
  const ring = strip.value?.ring;
  if (still.value) {
    still.value = null;
    frozenAt.value = null;
  } else if (ring) {
    still.value = ring.still();
    frozenAt.value = performance.now();
  }
}
