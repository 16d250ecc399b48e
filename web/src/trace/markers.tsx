// Numbered flags over the response: 1 onset, 2 peak, 3 end. Each is a slider; none crosses its
// neighbour. The service has no route for hand-set markers yet, so a moved flag says so.
import { signal } from "@preact/signals";
import { latencyDigits, number, format } from "../format";
import { Handle } from "../parts/handle";
import type { Measurement } from "../wire/messages";
import type { Row } from "../state/sweeps";
import { chosenMarker, chosenSite, DIVISIONS_X } from "../state/view";

/** Row key and marker name to ms, where a flag was moved by hand on this page. */
const moved = signal<ReadonlyMap<string, number>>(new Map());
const VALUE_OF: Record<string, string> = { onset: "onset_latency_ms", peak: "peak_latency_ms" };

export interface Flag { name: string; row: Row; rowIndex: number; number: number; ms: number; automaticMs: number }

/** The measurement a row is read by: its average's, else its newest sweep's. */
export function measurementOf(row: Row): Measurement | null {
  return row.newest.average?.measurement ?? row.newest.measurement;
}

export function flagsOf(rows: readonly Row[]): Flag[] {
  return rows.flatMap((row, rowIndex) => {
    const m = measurementOf(row);
    if (m?.state !== "measured") return [];
    return m.markers.slice(0, 3).map((marker, i) => {
      const told = m.values[VALUE_OF[marker.name] ?? ""];
      const automaticMs = told ?? (1000 * (marker.index - row.newest.zero_index)) / row.newest.rate_hz;
      return { name: marker.name, row, rowIndex, number: i + 1, automaticMs, ms: moved.value.get(`${row.key}|${marker.name}`) ?? automaticMs };
    });
  });
}

export function moveFlag(flag: Flag, ms: number, all: readonly Flag[]): void {
  const mates = all.filter((f) => f.row.key === flag.row.key);
  const low = mates.find((f) => f.number === flag.number - 1)?.ms ?? -Infinity;
  const high = mates.find((f) => f.number === flag.number + 1)?.ms ?? Infinity;
  moved.value = new Map(moved.value).set(`${flag.row.key}|${flag.name}`, Math.min(high, Math.max(low, ms)));
}

export function automatic(flag: Flag): void {
  const next = new Map(moved.value);
  next.delete(`${flag.row.key}|${flag.name}`);
  moved.value = next;
}

export function selectedFlag(flags: readonly Flag[]): Flag | null {
  const site = chosenSite.value;
  return flags.find((f) => f.number === chosenMarker.value && f.row.site === site)
    ?? flags.find((f) => f.number === chosenMarker.value) ?? null;
}

export function flagWords(flag: Flag): string {
  const digits = latencyDigits(flag.row.newest.rate_hz);
  const at = `marker ${flag.number}, ${flag.row.site} ${flag.name} ${number("latency_ms", flag.ms, digits)}\u00a0ms`;
  return flag.ms === flag.automaticMs
    ? `${at}, automatic`
    : `${at}, moved by hand, not stored (automatic ${number("latency_ms", flag.automaticMs, digits)})`;
}

interface Area { left: number; top: number; width: number; height: number }
export function Markers({ rows, area, fromMs, msPerDivision }: { rows: readonly Row[]; area: Area; fromMs: number; msPerDivision: number }) {
  const flags = flagsOf(rows);
  const chosen = selectedFlag(flags);
  const span = DIVISIONS_X * msPerDivision;
  return (
    <div class="handles">
      {flags.filter((f) => f.ms >= fromMs && f.ms <= fromMs + span).map((f) => {
        const { rate_hz: rate } = f.row.newest;
        return (
          <Handle
            key={`${f.row.key}|${f.name}`} label={`${f.row.site} ${f.name}`} text={format("latency_ms", f.ms)} flag={String(f.number)}
            selected={f === chosen} moved={f.ms !== f.automaticMs} testid={`marker-${f.row.site}-${f.name}`}
            x={area.left + ((f.ms - fromMs) / span) * area.width}
            top={area.top + (f.rowIndex * area.height) / rows.length} height={area.height / rows.length}
            value={f.ms} min={fromMs} max={fromMs + span} step={1000 / rate} bigStep={0.5} pixelsPerUnit={area.width / span}
            move={(ms) => moveFlag(f, ms, flags)}
            select={() => { chosenMarker.value = f.number; chosenSite.value = f.row.site; }}
          />
        );
      })}
    </div>
  );
}
