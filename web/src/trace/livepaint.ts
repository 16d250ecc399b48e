// What the live strip draws: rows of one colour, the write head, gaps at true width, epoch seams.
import { DIVISIONS_Y } from "../state/view";
import { pieces, sweepX, type ColumnRing } from "./columns";
import { FONT, rule, strokeColumns, type Paint } from "./trace";

const BLANK_CSS_PX = 14;
const GAP_MIN_CSS_PX = 3;
/** A trace is drawn as far as this from its row's centre, in rows: it may not cover its neighbours. */
const REACH_ROWS = 1.5;

export interface LivePicture {
  ring: ColumnRing;
  windowS: number;
  gainUv: number;
  stale: boolean;
  seamName(epoch: number): string;
}

/** First position shown: one window behind the head, less the blank ahead of it. */
export function firstShown(ring: ColumnRing, windowS: number, widthPx: number, dpr: number): number {
  const width = windowS * ring.columnsPerS;
  const blank = (BLANK_CSS_PX * dpr * width) / Math.max(1, widthPx);
  return (ring.head ?? 0) - width + blank;
}

export function paintLive(p: Paint, picture: LivePicture): void {
  const { ring, windowS, gainUv } = picture;
  if (ring.head === null) return;
  const width = windowS * ring.columnsPerS;
  const msPer = 1000 / ring.columnsPerS;
  const from = Math.max(0, firstShown(ring, windowS, p.width, p.dpr));
  const wrap = Math.floor(ring.head / width) * width;
  const x = (position: number) => p.x(xOf(position, width, wrap) * msPer);
  // Two parts, so that no line joins the right edge to the left one.
  const spans = ring.settling();
  const parts = [...pieces(Math.max(from, wrap), ring.head, spans), ...pieces(from, Math.min(wrap, ring.head), spans)];
  const row = DIVISIONS_Y / ring.channels;
  for (let c = 0; c < ring.channels; c++) {
    const centre = (c + 0.5) * row;
    const y = (uv: number) => p.y(centre + uv / gainUv);
    p.ctx.save();
    p.ctx.beginPath();
    p.ctx.rect(p.left, p.y(centre - REACH_ROWS * row), p.width, p.y(centre + REACH_ROWS * row) - p.y(centre - REACH_ROWS * row));
    p.ctx.clip();
    for (const part of parts) {
      const ink = part.settled && !picture.stale ? p.inks.trace : p.inks.old;
      // One column more, so that a change of ink leaves no break.
      strokeColumns(p, ring, c, part.from, Math.min(part.to + 1, part.from < wrap ? wrap : ring.head), x, y, { ink, width: 1.25 });
    }
    p.ctx.restore();
  }
  paintGaps(p, ring, from, width, msPer);
  for (const seam of ring.seams) {
    if (seam.position < from) continue;
    paintSeam(p, p.x(sweepX(seam.position, width) * msPer), picture.seamName(seam.epoch));
  }
  rule(p.ctx, p.x(sweepX(ring.head, width) * msPer), p.top, p.height, p.inks.edge, p.dpr);
}

function xOf(position: number, width: number, wrap: number): number {
  return position >= wrap ? position - wrap : position - wrap + width;
}

function paintGaps(p: Paint, ring: ColumnRing, from: number, width: number, msPer: number): void {
  for (const gap of ring.gaps) {
    if (gap.position < from) continue;
    const left = p.x(sweepX(gap.position, width) * msPer);
    const right = Math.max(left + GAP_MIN_CSS_PX * p.dpr, left + p.x(gap.columns * msPer) - p.x(0));
    const ink = p.inks["caution-line"];
    p.ctx.fillStyle = p.inks.bg;
    p.ctx.fillRect(left, p.top, right - left, p.height);
    rule(p.ctx, left, p.top, p.height, ink, p.dpr);
    rule(p.ctx, right, p.top, p.height, ink, p.dpr);
    const mid = (left + right) / 2;
    const half = 6 * p.dpr;
    p.ctx.beginPath();
    p.ctx.fillStyle = ink;
    p.ctx.moveTo(mid - half, p.top);
    p.ctx.lineTo(mid + half, p.top);
    p.ctx.lineTo(mid, p.top + half * 1.2);
    p.ctx.fill();
  }
}

function paintSeam(p: Paint, x: number, label: string): void {
  rule(p.ctx, x - 2 * p.dpr, p.top, p.height, p.inks.text, p.dpr);
  rule(p.ctx, x + 2 * p.dpr, p.top, p.height, p.inks.text, p.dpr);
  p.ctx.font = `${12 * p.dpr}px ${FONT}`;
  const wide = p.ctx.measureText(label).width;
  const right = x + 6 * p.dpr + wide < p.left + p.width;
  p.ctx.fillStyle = p.inks.text;
  p.ctx.fillText(label, right ? x + 6 * p.dpr : x - 6 * p.dpr - wide, p.top + p.height - 5 * p.dpr);
}
