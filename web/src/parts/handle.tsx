// A line over a plot that can be taken hold of: markers and cursors are real sliders.
import { useRef } from "preact/hooks";

interface Props {
  label: string; text: string; flag: string; selected: boolean; moved?: boolean; dashed?: boolean;
  /** Place in CSS pixels within the layer, and the value behind it. */
  x: number; top: number; height: number;
  value: number; min: number; max: number; step: number; bigStep: number; pixelsPerUnit: number;
  move(value: number): void; select(): void; testid?: string;
}

const thousandths = (v: number) => Math.round(v * 1000) / 1000;

export function Handle(p: Props) {
  const drag = useRef<{ x: number; value: number } | null>(null);
  const to = (value: number) => p.move(Math.min(p.max, Math.max(p.min, value)));
  const key = (e: KeyboardEvent) => {
    const size = e.shiftKey ? p.bigStep : p.step;
    const by: Record<string, number> = { ArrowLeft: -size, ArrowRight: size, ArrowUp: size, ArrowDown: -size, PageUp: p.bigStep, PageDown: -p.bigStep };
    const delta = by[e.key];
    if (delta === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    to(p.value + delta);
  };
  return (
    <div
      class={`handle${p.selected ? " selected" : ""}${p.dashed ? " dashed" : ""}${p.moved ? " moved" : ""}`}
      style={{ left: `${p.x}px`, top: `${p.top}px`, height: `${p.height}px` }}
    >
      <div
        class="flag" role="slider" tabIndex={0} aria-label={p.label} aria-valuetext={p.text} data-testid={p.testid}
        aria-valuenow={thousandths(p.value)} aria-valuemin={thousandths(p.min)} aria-valuemax={thousandths(p.max)}
        onKeyDown={key} onFocus={p.select}
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture(e.pointerId);
          drag.current = { x: e.clientX, value: p.value };
          p.select();
        }}
        onPointerMove={(e) => { if (drag.current) to(drag.current.value + (e.clientX - drag.current.x) / p.pixelsPerUnit); }}
        onPointerUp={() => { drag.current = null; }}
      >
        {p.flag}
      </div>
    </div>
  );
}
