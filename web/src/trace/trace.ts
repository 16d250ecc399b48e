// The only maker of canvases: uPlot for axes, scales and size; one draw loop for the whole page.
// Negative is up here and nowhere else: the y scale runs downwards (`dir: -1`), data keep their sign.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { number } from "../format";
import { DIVISIONS_X, DIVISIONS_Y } from "../state/view";
import type { ColumnRing } from "./columns";

const INKS = ["trace", "old", "edge", "grid", "text", "dim", "caution-line", "bg"] as const;
export type Inks = Record<(typeof INKS)[number], string>;

export interface Paint {
  ctx: CanvasRenderingContext2D;
  inks: Inks;
  /** Canvas pixels of a time in ms, of a place in divisions from the top. */
  x(ms: number): number;
  y(division: number): number;
  left: number; top: number; width: number; height: number;
  dpr: number;
}

export interface PlotSpec {
  host: HTMLElement;
  fromMs: number;
  msPerDivision: number;
  /** Time zero gets a stronger rule. */
  zeroRule: boolean;
  paint(p: Paint): void;
  resized?(): void;
}

/** Colours of the theme in force: canvases cannot read custom properties themselves. */
export function readInks(host: HTMLElement): Inks {
  const probe = document.createElement("span");
  host.append(probe);
  const inks = Object.fromEntries(
    INKS.map((name) => {
      probe.style.color = `var(--${name})`;
      return [name, getComputedStyle(probe).color];
    }),
  ) as Inks;
  probe.remove();
  return inks;
}

/** As in page.css. */
export const FONT = '"Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif';

const plots = new Set<() => void>();
let loop = 0;
const REDUCED_STEP_MS = 250;
let lastReduced = 0;

/** Run once per animation frame, for as long as it is registered. The only loop of the page. */
export function everyFrame(draw: () => void): () => void {
  plots.add(draw);
  if (loop === 0) loop = requestAnimationFrame(turn);
  return () => plots.delete(draw);
}

function turn(now: number): void {
  loop = requestAnimationFrame(turn);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    if (now - lastReduced < REDUCED_STEP_MS) return;
    lastReduced = now;
  }
  for (const draw of plots) draw();
}

export class Plot {
  private readonly u: uPlot;
  private readonly sizes: ResizeObserver;
  private inks: Inks;

  constructor(private readonly spec: PlotSpec) {
    this.inks = readInks(spec.host);
    this.u = new uPlot(this.options(), [[0, 1], [0, 0]], spec.host);
    this.sizes = new ResizeObserver(() => this.fit());
    this.sizes.observe(spec.host);
  }

  private options(): uPlot.Options {
    const { spec } = this;
    const xs = () => Array.from({ length: DIVISIONS_X + 1 }, (_, i) => spec.fromMs + i * spec.msPerDivision);
    const ys = () => Array.from({ length: DIVISIONS_Y + 1 }, (_, i) => i);
    const digits = () => (spec.msPerDivision % 1 === 0 ? 0 : 1);
    return {
      width: Math.max(40, spec.host.clientWidth),
      height: Math.max(40, spec.host.clientHeight),
      padding: [4, 18, 0, 10],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => [spec.fromMs, spec.fromMs + DIVISIONS_X * spec.msPerDivision] },
        y: { range: () => [0, DIVISIONS_Y], dir: -1 },
      },
      axes: [
        {
          size: 22, gap: 3, font: `12px ${FONT}`, ticks: { show: false },
          stroke: () => this.inks.dim, grid: { stroke: () => this.inks.grid, width: 1 },
          splits: xs, values: (_u, splits) => splits.map((v) => number("count", v, digits())),
        },
        { size: 0, ticks: { show: false }, grid: { stroke: () => this.inks.grid, width: 1 }, splits: ys, values: () => [] },
      ],
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      hooks: { draw: [(u) => this.paint(u)] },
    };
  }

  private paint(u: uPlot): void {
    const { left, top, width, height } = u.bbox;
    const x0 = u.valToPos(0, "x", true);
    const kx = u.valToPos(1, "x", true) - x0;
    const y0 = u.valToPos(0, "y", true);
    const ky = u.valToPos(1, "y", true) - y0;
    const { ctx } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    ctx.lineJoin = "bevel"; // at these widths as round, and a software canvas strokes it in a fraction of the time
    if (this.spec.zeroRule) rule(ctx, x0, top, height, this.inks.edge, devicePixelRatio);
    this.spec.paint({
      ctx, inks: this.inks, x: (ms) => x0 + kx * ms, y: (d) => y0 + ky * d, left, top, width, height, dpr: devicePixelRatio,
    });
    ctx.restore();
  }

  private fit(): void {
    const { clientWidth, clientHeight } = this.spec.host;
    if (clientWidth < 40 || clientHeight < 40) return;
    this.u.setSize({ width: clientWidth, height: clientHeight });
    this.spec.resized?.();
  }

  /** New scale: axes too. */
  rescale(fromMs: number, msPerDivision: number): void {
    this.spec.fromMs = fromMs;
    this.spec.msPerDivision = msPerDivision;
    this.u.redraw(true, true);
  }

  restyle(): void {
    this.inks = readInks(this.spec.host);
    this.u.redraw(false, true);
  }

  redraw(): void {
    this.u.redraw(false, false);
  }

  /** Plot area in CSS pixels within the host, for elements laid over it. */
  area(): { left: number; top: number; width: number; height: number } {
    const { left, top, width, height } = this.u.bbox;
    const r = devicePixelRatio;
    return { left: left / r, top: top / r, width: width / r, height: height / r };
  }

  destroy(): void {
    this.sizes.disconnect();
    this.u.destroy();
  }
}

export function rule(ctx: CanvasRenderingContext2D, x: number, top: number, height: number, ink: string, width: number): void {
  const at = Math.round(x) + (Math.round(width) % 2) / 2;
  ctx.beginPath();
  ctx.strokeStyle = ink;
  ctx.lineWidth = width;
  ctx.moveTo(at, top);
  ctx.lineTo(at, top + height);
  ctx.stroke();
}

export interface Curve { ink: string; width: number; dashed?: boolean }

/** Columns closer than this are bars: a software canvas fills a thousand in the time of a few long strokes. */
const BAR_CSS_PX = 2.5;

/** One channel of a ring over [from, to), min to max per column, pen up where a column is empty. */
export function strokeColumns(
  p: Paint, ring: ColumnRing, channel: number, from: number, to: number,
  x: (position: number) => number, y: (uv: number) => number, curve: Curve,
): void {
  const step = x(from + 1) - x(from);
  if (step > 0 && step < BAR_CSS_PX * p.dpr) {
    fillColumns(p, ring, channel, from, to, x, y, curve);
    return;
  }
  const { ctx } = p;
  ctx.beginPath();
  ring.walk(channel, from, to, {
    move: (position, value) => ctx.moveTo(x(position), y(value)),
    line: (position, value) => ctx.lineTo(x(position), y(value)),
  });
  ink(p, curve);
}

/** The same as bars on whole device pixels, each reaching to where the one before it ended. */
function fillColumns(
  p: Paint, ring: ColumnRing, channel: number, from: number, to: number,
  x: (position: number) => number, y: (uv: number) => number, curve: Curve,
): void {
  const { ctx } = p;
  const thick = Math.max(1, Math.round(curve.width * p.dpr));
  ctx.fillStyle = curve.ink;
  let at = NaN, last = 0, low = 0, high = 0;
  const bar = () => {
    if (Number.isNaN(at)) return;
    const left = Math.round(x(at));
    const top = Math.round(low);
    ctx.fillRect(left, top, Math.max(thick, Math.round(x(at + 1)) - left), Math.round(high) - top + thick);
  };
  ring.walk(channel, from, to, {
    move: (position, value) => {
      bar();
      at = position;
      last = low = high = y(value);
    },
    line: (position, value) => {
      const here = y(value);
      if (position !== at) {
        bar();
        at = position;
        low = high = last;
      }
      low = Math.min(low, here);
      high = Math.max(high, here);
      last = here;
    },
  });
  bar();
}

/** One sweep: sample i at `ms(i)`; NaN lifts the pen. */
export function strokeSamples(
  p: Paint, values: Float32Array, ms: (i: number) => number, y: (uv: number) => number, curve: Curve,
): void {
  const { ctx } = p;
  ctx.beginPath();
  let down = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (Number.isNaN(value)) down = false;
    else if (down) ctx.lineTo(p.x(ms(i)), y(value));
    else {
      ctx.moveTo(p.x(ms(i)), y(value));
      down = true;
    }
  }
  ink(p, curve);
}

function ink(p: Paint, curve: Curve): void {
  p.ctx.strokeStyle = curve.ink;
  p.ctx.lineWidth = curve.width * p.dpr;
  p.ctx.setLineDash(curve.dashed ? [6 * p.dpr, 4 * p.dpr] : []);
  p.ctx.stroke();
  p.ctx.setLineDash([]);
}
