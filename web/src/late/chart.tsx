// A small chart in SVG: axes with round ticks, the unit once, its content by the caller in data units.
import type { ComponentChildren } from "preact";
import { number } from "../format";

const WIDE = 640;
const HIGH = 232;
const LEFT = 52, RIGHT = 16, TOP = 12, BOTTOM = 40;

export interface Scale { at(value: number): number; ticks: number[]; digits: number }

/** Ticks at 1, 2 or 5 times a power of ten, about `count` of them, from within [low, high]. */
export function roundTicks(low: number, high: number, count = 5): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw) ?? raw;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

function scale(low: number, high: number, from: number, to: number, log: boolean): Scale {
  const f = log ? Math.log10 : (v: number) => v;
  const [a, b] = [f(low), f(high)];
  const at = (v: number) => from + ((f(v) - a) / (b - a || 1)) * (to - from);
  const decades = log ? Array.from({ length: Math.floor(b + 1e-9) - Math.ceil(a - 1e-9) + 1 }, (_, i) => 10 ** (Math.ceil(a - 1e-9) + i)) : [];
  const ticks = decades.length > 1 ? decades : roundTicks(low, high);
  const step = ticks.length > 1 ? (ticks[1] ?? 1) - (ticks[0] ?? 0) : 1;
  return { at, ticks, digits: Math.max(0, -Math.floor(Math.log10(log ? (ticks[0] ?? 1) : step) + 1e-9)) };
}

interface Axis { low: number; high: number; label: string; log?: boolean; bare?: boolean }
export function Chart({ x, y, label, children }: { x: Axis; y: Axis; label: string; children: (x: Scale, y: Scale) => ComponentChildren }) {
  const sx = scale(x.low, x.high, LEFT, WIDE - RIGHT, x.log ?? false);
  const sy = scale(y.low, y.high, HIGH - BOTTOM, TOP, y.log ?? false);
  return (
    <svg class="chart" viewBox={`0 0 ${WIDE} ${HIGH}`} role="img" aria-label={label}>
      {sy.ticks.map((v) => (
        <g key={v}>
          <line class="chart-grid" x1={LEFT} x2={WIDE - RIGHT} y1={sy.at(v)} y2={sy.at(v)} />
          <text x={LEFT - 8} y={sy.at(v) + 4} text-anchor="end">{number("count", v, sy.digits)}</text>
        </g>
      ))}
      {x.bare ? null : sx.ticks.map((v) => <text key={v} x={sx.at(v)} y={HIGH - BOTTOM + 16} text-anchor="middle">{number("count", v, sx.digits)}</text>)}
      <line class="chart-edge" x1={LEFT} x2={WIDE - RIGHT} y1={HIGH - BOTTOM} y2={HIGH - BOTTOM} />
      <text x={WIDE - RIGHT} y={HIGH - 6} text-anchor="end">{x.label}</text>
      <text x={LEFT} y={HIGH - 6}>{y.label}</text>
      {children(sx, sy)}
    </svg>
  );
}

/** A little room above the largest value, so that nothing stands on the edge. */
export const above = (values: readonly number[], least: number) => Math.max(least, 1.1 * Math.max(0, ...values));
