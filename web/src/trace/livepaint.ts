// What the live strip draws: rows of one colour, the write head, gaps at true width, epoch seams.
import { DIVISIONS_Y } from "../state/view";
import { sweepX, type ColumnRing } from "./columns";
import { FONT, rule, strokeColumns, type Paint } from "./trace";

const BLANK_CSS_PX = 14;
const GAP_MIN_CSS_PX = 3;

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
  const curve = { ink: picture.stale ? p.inks.old : p.inks.trace, width: 1.25 };
  for (let c = 0; c < ring.channels; c++) {
    const centre = ((c + 0.5) * DIVISIONS_Y) / ring.channels;
    const y = (uv: number) => p.y(centre + uv / gainUv);
    // Two pieces, so that no line joins the right edge to the left one.
    for (const [a, b] of [[Math.max(from, wrap), ring.head], [from, Math.min(wrap, ring.head)]] as const) {
      if (b > a) strokeColumns(p, ring, c, a, b, (pos) => p.x(xOf(pos, width, wrap) * msPer), y, curve);
    }
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
