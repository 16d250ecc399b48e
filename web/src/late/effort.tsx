// Taking epochs of voluntary effort: how hard the patient pulls now, which areas are covered, and one key to take one.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { format, number } from "../format";
import { Key, Segmented } from "../parts/control";
import { askEffort, markEpoch } from "../state/actions";
import { setMaximal } from "../state/edits";
import { effortOf } from "../state/effort";
import { clock, step, tick } from "../state/study";
import type { EffortText } from "../wire/messages";
import type { RowText } from "../wire/table";
import { munixItems, type MunixItem } from "./items";

const WANTED = 20;
const TAKE = "take-epoch";
/** Bar from here on, mV·ms: below lies the noise of a resting muscle. */
const FROM = 2;
const LEVELS = [["0", "rest"], ["0.1", "10"], ["0.25", "25"], ["0.5", "50"], ["1", "100"]] as const;
const MAXIMAL = [["unknown", "not said"], ["true", "reached"], ["false", "not reached"]] as const;

/** What was asked for last, at this page. */
const asked = signal<(typeof LEVELS)[number][0] | "">("");

/** Where an area stands on the bar, from 0 to 1: by ratios, as efforts are graded. */
export function place(area: number, to: number): number {
  return Math.min(1, Math.max(0, Math.log(Math.max(area, FROM) / FROM) / Math.log(to / FROM)));
}

/** Above: how hard the patient pulls now. Below: the epochs had so far, and from where on they count. */
function Bar({ now, items }: { now: EffortText | null; items: readonly MunixItem[] }) {
  const marks: [number, string][] = now ? [[now.least_mv_ms, "accepted from"], ...(now.full_mv_ms === null ? [] : [[now.full_mv_ms, "maximal from"] as [number, string]])] : [];
  marks.sort(([a], [b]) => a - b);
  const to = 1.8 * Math.max(100, ...marks.map(([at]) => at), ...items.map((i) => i.areaMvMs));
  const at = (area: number) => `${100 * place(area, to)}%`;
  const said = now === null ? "no effort to be seen" : `effort now ${format("area_mv_ms", now.area_mv_ms)}, ${now.left_out === "" ? "would be accepted" : now.left_out}`;
  return (
    <div class="effort-bar" role="img" aria-label={said} data-testid="effort-bar" data-area={now?.area_mv_ms ?? ""}>
      <div class="effort-track"><div class={now?.left_out === "" ? "effort-fill fit" : "effort-fill"} style={{ width: at(now?.area_mv_ms ?? 0) }} /></div>
      {items.map((i) => <i key={i.epoch} class={i.leftOut === "" ? "effort-had" : "effort-had out"} style={{ left: at(i.areaMvMs) }} />)}
      {marks.map(([area, words], i) => <span key={words} class="effort-mark" style={{ left: at(area) }}><span style={marks.length > 1 && i === 0 ? { right: "6px" } : { left: "4px" }}>{words}</span></span>)}
    </div>
  );
}

/** The newest epoch in words. */
function newest(items: readonly MunixItem[]): string {
  const last = items.at(-1);
  if (!last) return "none taken yet";
  return `newest ${number("area_mv_ms", last.areaMvMs, 0)}\u00a0mV·ms: ${last.leftOut === "" ? "accepted" : last.leftOut}`;
}

function ask(level: (typeof LEVELS)[number][0]): void {
  asked.value = level;
  void askEffort(Number(level), step.value?.muscle ?? null);
  // what comes next is to take an epoch: Enter and Space do that from here, and neither asks again nor fires
  document.getElementById(TAKE)?.focus();
}

/** Around the picture of a MUNIX row, while its step is under the electrodes. */
export function Effort({ line, children }: { line: RowText | null; children: ComponentChildren }) {
  tick.value;
  const here = step.value;
  const row = `${here?.id ?? ""}.${here?.run ?? 1}`;
  if (here?.measure !== "munix" || (line !== null && line.id !== row)) return <>{children}</>;
  const now = effortOf(row, clock.now());
  const items = line ? munixItems(line.measurement) : [];
  const accepted = items.filter((i) => i.leftOut === "").length;
  const said = line?.maximal_effort ?? null;
  return (
    <>
      <Bar now={now} items={items} />
      <div class="effort" data-testid="effort">
        {children}
        <div class="effort-side" tabIndex={0} role="group" aria-label="Epochs of effort">
          <p data-testid="effort-now">{now === null ? "no samples" : `now ${number("area_mv_ms", now.area_mv_ms, 0)}\u00a0mV·ms: ${now.left_out === "" ? "would be accepted" : now.left_out}`}</p>
          <button type="button" id={TAKE} data-testid="mark-epoch" onClick={() => void markEpoch()}>Take epoch <Key k="Enter" /></button>
          <p><b data-testid="effort-count">{accepted} accepted of {items.length}</b><span class="dim">{items.length < WANTED ? `, ${WANTED} wanted` : ""}</span></p>
          <p data-testid="effort-newest">{newest(items)}</p>
          <p class="dim">taken: the 500&nbsp;ms before the key; X or a press on a point excludes</p>
        </div>
      </div>
      <div class="effort-said">
        <span><span class="dim">asked for, %</span> <Segmented name="Effort asked for, percent of maximal" chosen={asked.value as (typeof LEVELS)[number][0]} options={LEVELS} choose={ask} /></span>
        {line ? (
          <span><span class="dim">maximal effort</span> <Segmented name="Maximal effort" chosen={said === null ? "unknown" : said ? "true" : "false"} options={MAXIMAL}
            choose={(v) => void setMaximal(line.id, v === "unknown" ? null : v === "true")} /></span>
        ) : null}
      </div>
    </>
  );
}
