// Numbered flags over a row's average: 1 onset, 2 peak, 3 end. Each is a slider; none crosses its neighbour. The service
// keeps every move with its initials and the automatic place.
import { format, latencyDigits, number, timeOfDay } from "../format";
import { Handle } from "../parts/handle";
import { held, heldKey, placeMarker, resetMarker } from "../state/edits";
import type { Row } from "../state/sweeps";
import { numbered, rows as told } from "../state/table";
import { chosenMarker, chosenSite, DIVISIONS_X } from "../state/view";
import type { Measurement } from "../wire/messages";
import type { RowText } from "../wire/table";

export interface Flag {
  name: string; row: Row; rowIndex: number; number: number; ms: number; automaticMs: number; rateHz: number;
  /** `automatic` or initials; null time: never moved. */
  by: string; atUtc: string | null;
  /** The line of the table that keeps it; null: not told yet, so it cannot be moved. */
  line: RowText | null; pending: boolean;
}

/** The measurement a row is read by: the table's, else its newest sweep's. */
export function measurementOf(row: Row): Measurement | null {
  return lineOf(row)?.measurement ?? row.newest.average?.measurement ?? row.newest.measurement;
}

export function lineOf(row: Row): RowText | null {
  return row.id === null ? null : (told.value.get(row.id) ?? null);
}

export function flagsOf(rows: readonly Row[]): Flag[] {
  return rows.flatMap((row, rowIndex) => {
    const m = measurementOf(row);
    if (m?.state !== "measured") return [];
    const line = lineOf(row);
    const { rate_hz: rateHz, zero_index: zero } = line ?? row.newest;
    const ms = (index: number) => (1000 * (index - zero)) / rateHz;
    return numbered(m).map((k, i) => {
      const pending = line ? held.value.get(heldKey(line.id, k.name)) : undefined;
      return {
        name: k.name, row, rowIndex, number: i + 1, ms: pending ?? ms(k.index), automaticMs: ms(k.automaticIndex), rateHz, by: k.by, atUtc: k.atUtc,
        line, pending: pending !== undefined,
      };
    });
  });
}

/** Where a flag may go: inside its neighbours by one sample, in time and not in number (a peak stands before an end). */
export function within(flag: Flag, ms: number, all: readonly Flag[]): number {
  const mates = all.filter((f) => f.row.key === flag.row.key && f !== flag && f.name !== flag.name);
  const sample = 1000 / flag.rateHz;
  const low = Math.max(...mates.filter((f) => f.number < flag.number).map((f) => f.ms + sample), -Infinity);
  const high = Math.min(...mates.filter((f) => f.number > flag.number).map((f) => f.ms - sample), Infinity);
  return Math.min(high, Math.max(low, ms));
}

export function moveFlag(flag: Flag, ms: number, all: readonly Flag[]): void {
  if (flag.line) placeMarker(flag.line.id, flag.name, within(flag, ms, all));
}

export function automatic(flag: Flag): void {
  if (flag.line) void resetMarker(flag.line.id, flag.name);
}

export function selectedFlag(flags: readonly Flag[]): Flag | null {
  const site = chosenSite.value;
  return flags.find((f) => f.number === chosenMarker.value && f.row.site === site)
    ?? flags.find((f) => f.number === chosenMarker.value) ?? null;
}

export function flagWords(flag: Flag): string {
  const digits = latencyDigits(flag.rateHz);
  const at = `marker ${flag.number}, ${flag.row.site.replaceAll("_", " ")} ${flag.name} ${number("latency_ms", flag.ms, digits)}\u00a0ms`;
  if (flag.pending) return `${at}, being placed`;
  if (flag.by === "automatic") return `${at}, automatic`;
  const when = flag.atUtc === null ? "" : ` ${timeOfDay(new Date(flag.atUtc))}`;
  return `${at}, by ${flag.by}${when} (automatic ${number("latency_ms", flag.automaticMs, digits)})`;
}

interface Area { left: number; top: number; width: number; height: number }
export function Markers({ rows, area, fromMs, msPerDivision }: { rows: readonly Row[]; area: Area; fromMs: number; msPerDivision: number }) {
  const flags = flagsOf(rows);
  const chosen = selectedFlag(flags);
  const span = DIVISIONS_X * msPerDivision;
  return (
    <div class="handles">
      {flags.filter((f) => f.ms >= fromMs && f.ms <= fromMs + span).map((f) => (
        <Handle
          key={`${f.row.key}|${f.name}`} label={`${f.row.site} ${f.name}`} text={`${format("latency_ms", f.ms)}, ${f.by}`} flag={String(f.number)}
          selected={f === chosen} moved={f.by !== "automatic" || f.pending} testid={`marker-${f.row.site}-${f.name}`}
          x={area.left + ((f.ms - fromMs) / span) * area.width}
          top={area.top + (f.rowIndex * area.height) / rows.length} height={area.height / rows.length}
          value={f.ms} min={fromMs} max={fromMs + span} step={1000 / f.rateHz} bigStep={0.5} pixelsPerUnit={area.width / span}
          move={(ms) => moveFlag(f, ms, flags)}
          select={() => { chosenMarker.value = f.number; chosenSite.value = f.row.site; }}
        />
      ))}
    </div>
  );
}
