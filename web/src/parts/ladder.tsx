// The only maker of grades: three rising bars and a word, never one without the other.
import type { Grade, Indicator } from "../wire/messages";

export const WORDS: Record<Grade, string> = {
  insufficient: "cannot tell",
  none: "none found",
  possible: "weak",
  probable: "moderate",
  definite: "strong",
};
const FILLED: Record<Grade, number> = { insufficient: 0, none: 0, possible: 1, probable: 2, definite: 3 };
const HEIGHTS = [14, 24, 36];
const BAR = 10;
const GAP = 4;

function Bars({ grade, axis }: { grade: Grade; axis: "umn" | "lmn" | "legend" }) {
  return (
    <svg class={`ladder ${axis} ${grade}`} viewBox="0 0 38 36" width="38" height="36" aria-hidden="true">
      {HEIGHTS.map((h, i) => (
        <rect
          key={h}
          class={i < FILLED[grade] ? "on" : "off"}
          x={i * (BAR + GAP) + 1}
          y={36 - h + 1}
          width={BAR - 2}
          height={h - 2}
        />
      ))}
    </svg>
  );
}

export function gradeWords(indicator: Indicator): string {
  return (indicator.attribution === "uncertain" ? "~ " : "") + WORDS[indicator.grade];
}

/** Ladder and word of one axis. */
export function Ladder({ indicator, size = "card" }: { indicator: Indicator; size?: "card" | "row" }) {
  const axis = indicator.axis.toUpperCase();
  return (
    <span
      class={`grade ${size}`}
      role="img"
      data-grade={indicator.grade}
      aria-label={`${axis} evidence: ${gradeWords(indicator)}${indicator.attribution === "uncertain" ? ", attribution uncertain" : ""}`}
    >
      <Bars grade={indicator.grade} axis={indicator.axis} />
      <span class={`word ${indicator.grade}`}>{gradeWords(indicator)}</span>
    </span>
  );
}

/** The five grades in grey, once per board. */
export function LadderLegend() {
  return (
    <div class="legend">
      <p class="label">strength of evidence, not severity</p>
      {(Object.keys(WORDS) as Grade[]).map((grade) => (
        <p key={grade} class="legend-row">
          <Bars grade={grade} axis="legend" />
          <span>{WORDS[grade]}</span>
        </p>
      ))}
    </div>
  );
}
