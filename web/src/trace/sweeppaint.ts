// What the triggered view draws: rows per site, earlier sweeps behind, the row's average on top.
import { measured, SHOWN, type Row } from "../state/sweeps";
import { halves, rows as told, SERIES, traces } from "../state/table";
import { DIVISIONS_Y, rasterTopPx, showHalves, type SweepMode } from "../state/view";
import { FONT, rule, strokeSamples, type Paint } from "./trace";

const RASTER_LEAST = 8;
const RASTER_LOWEST_PX = 14;
/** A raster's row may reach over its neighbours by this many rows: a direct response is cut there. */
const RASTER_REACH = 2;
export const BASELINE = 0.62;

/** Centre of a row's baseline in divisions from the top: responses rise above it. */
export function baseline(row: number, rows: number): number {
  return ((row + BASELINE) * DIVISIONS_Y) / Math.max(1, rows);
}

/** Latencies (ms) by sweep id, ticked in the raster: those of F-waves. */
export type Ticks = ReadonlyMap<string, number>;

export function paintSweeps(p: Paint, rows: readonly Row[], mode: SweepMode, gainMv: number, chosen: string | null, ticks: Ticks): void {
  if (mode === "raster") {
    const row = rows.find((r) => r.site === chosen) ?? rows.at(-1);
    if (row) paintRaster(p, row, gainMv, ticks);
    return;
  }
  rows.forEach((row, i) => band(p, p.top + (i * p.height) / rows.length, p.height / rows.length, () => paintRow(p, row, baseline(i, rows.length), mode, gainMv)));
}

/** Rows share no pixels: a stimulus artefact is cut at its own row's edge. */
function band(p: Paint, top: number, height: number, paint: () => void): void {
  p.ctx.save();
  p.ctx.beginPath();
  p.ctx.rect(p.left, top, p.width, height);
  p.ctx.clip();
  paint();
  p.ctx.restore();
}

function paintRow(p: Paint, row: Row, centre: number, mode: SweepMode, gainMv: number): void {
  const y = (uv: number) => p.y(centre + uv / 1000 / gainMv);
  const series = SERIES.has(row.newest.measure ?? "");
  const average = row.id === null || series ? undefined : traces.peek().get(row.id);
  const list = row.sweeps.filter((s) => !s.text.voluntary).slice(-SHOWN);
  const out = new Set((row.id === null ? undefined : told.peek().get(row.id))?.rejected?.map((r) => r.sweep));
  list.forEach((record, i) => {
    const top = average === undefined && i === list.length - 1;
    if (mode === "cascade" && !top) return;
    const values = measured(record);
    if (!values) return;
    const { id, zero_index: zero, rate_hz: rate, included, gap } = record.text;
    const curve = { ink: top ? p.inks.trace : p.inks.old, width: top ? 2 : 1, dashed: !included || gap || out.has(id) };
    strokeSamples(p, values, (k) => (1000 * (k - zero)) / rate, y, curve);
  });
  const both = average && row.id !== null && showHalves.peek() ? halves.peek().get(row.id) : null;
  if (average && both) {
    // in the place of the average: what both show is response, what one shows is noise
    for (const [half, dashed] of [[both.odd, false], [both.even, true]] as const) {
      strokeSamples(p, half, (k) => (1000 * (k - average.zero)) / average.rateHz, y, { ink: p.inks.trace, width: 1.5, dashed });
    }
  } else if (average) {
    strokeSamples(p, average.values, (k) => (1000 * (k - average.zero)) / average.rateHz, y, { ink: p.inks.trace, width: 2 });
  }
}

/** Sweeps of a raster, one a row: all of its row of the table. */
export const rastered = (row: Row) => row.sweeps.filter((s) => !s.text.voluntary);

/** Height of a raster's row in CSS pixels: as many as fit, but none so low that an F-wave cannot be seen in it. */
export function rasterPitch(heightPx: number, count: number): number {
  return Math.max(RASTER_LOWEST_PX, heightPx / Math.max(RASTER_LEAST, count));
}

function paintRaster(p: Paint, row: Row, gainMv: number, ticks: Ticks): void {
  const list = rastered(row);
  const perPx = (DIVISIONS_Y * p.dpr) / p.height;
  const pitch = rasterPitch(p.height / p.dpr, list.length) * perPx;
  const above = rasterTopPx.peek() * perPx;
  list.forEach((record, i) => {
    const centre = (i + BASELINE) * pitch - above;
    if (centre < -RASTER_REACH * pitch || centre > DIVISIONS_Y + RASTER_REACH * pitch) return;
    const values = measured(record);
    if (!values) return;
    const { zero_index: zero, rate_hz: rate, included, id } = record.text;
    const newest = i === list.length - 1;
    const top = p.y(Math.max(0, centre - RASTER_REACH * pitch));
    band(p, top, p.y(Math.min(DIVISIONS_Y, centre + RASTER_REACH * pitch)) - top, () =>
      strokeSamples(p, values, (k) => (1000 * (k - zero)) / rate, (uv) => p.y(centre + uv / 1000 / gainMv),
        { ink: newest ? p.inks.trace : p.inks.old, width: newest ? 2 : 1, dashed: !included }));
    const at = ticks.get(id);
    if (at !== undefined) rule(p.ctx, p.x(at), p.y(centre - 0.45 * pitch), p.y(0.9 * pitch) - p.y(0), p.inks.text, 2 * p.dpr);
  });
}

/** One division each way, top right: what a division is worth. */
export function paintCalibration(p: Paint, gainWords: string, timeWords: string): void {
  const dx = p.width / 10;
  const dy = p.height / DIVISIONS_Y;
  const right = p.left + p.width - 10 * p.dpr;
  const bottom = p.top + dy + 10 * p.dpr;
  p.ctx.font = `${12 * p.dpr}px ${FONT}`;
  const wide = Math.max(dx, p.ctx.measureText(gainWords).width + 14 * p.dpr);
  p.ctx.fillStyle = p.inks.bg;
  p.ctx.fillRect(right - wide - 4 * p.dpr, bottom - dy - 4 * p.dpr, wide + 8 * p.dpr, dy + 26 * p.dpr);
  rule(p.ctx, right, bottom - dy, dy, p.inks.text, 2 * p.dpr);
  p.ctx.fillStyle = p.inks.text;
  p.ctx.fillRect(right - dx, bottom - p.dpr, dx, 2 * p.dpr);
  p.ctx.textAlign = "right";
  p.ctx.fillText(gainWords, right - 6 * p.dpr, bottom - dy / 2 + 4 * p.dpr);
  p.ctx.fillText(timeWords, right, bottom + 15 * p.dpr);
  p.ctx.textAlign = "left";
}
