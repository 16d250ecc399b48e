// Hunting for the place: what the last pulses gave, drawn as sweeps are and kept nowhere.
import { computed } from "@preact/signals";
import { format, quantityOf } from "../format";
import { Key } from "../parts/control";
import { insteadWords } from "../parts/value";
import { toggleHunt } from "../state/actions";
import { stimulator } from "../state/study";
import { hunted, type Row, type SweepRecord } from "../state/sweeps";
import type { Measurement } from "../wire/messages";

export const hunting = computed(() => stimulator.value?.hunting ?? false);

/** The sweeps while hunting as one row, so that they are drawn like any other; null: not hunting. */
export const huntRows = computed<Row[] | null>(() => {
  if (!hunting.value) return null;
  const newest = hunted.value.at(-1)?.text;
  return newest ? [{ key: "hunting", id: null, site: newest.site, sweeps: hunted.value, newest }] : [];
});

const SIZES = ["amplitude_mv", "onset_to_peak_uv", "peak_to_peak_uv"] as const;
/** The size by which a place is judged, and its quantity; null where there was none. */
export function sizeOf(m: Measurement | null): [string, number] | null {
  const quantity = SIZES.find((q) => m?.values[q] !== undefined);
  return m && quantity && m.state === "measured" ? [quantity, m.values[quantity] ?? 0] : null;
}

/** The strongest response so far: the newest of equal ones. */
export function largest(list: readonly SweepRecord[]): SweepRecord | null {
  const size = (s: SweepRecord) => sizeOf(s.text.measurement)?.[1] ?? -1;
  return list.reduce<SweepRecord | null>((best, s) => (size(s) >= 0 && (best === null || size(s) >= size(best)) ? s : best), null);
}

function words(record: SweepRecord): string {
  const { measurement: m, current_ma: ma } = record.text;
  const size = sizeOf(m);
  const said = size ? format(quantityOf(size[0]), size[1]) : m ? insteadWords(m) : "not measured";
  return `${said} at ${format("current_ma", ma)}`;
}

export function HuntLine() {
  const list = hunted.value;
  const newest = list.at(-1);
  const best = largest(list);
  return (
    <div class="hunt-line caution" data-testid="hunt">
      <b>HUNTING</b> <span>sweeps are not kept</span>
      <span class="fact" data-testid="hunt-newest">{newest ? `newest ${words(newest)}` : "no pulse yet"}</span>
      {best && best !== newest ? <span class="fact" data-testid="hunt-best">largest {words(best)}</span> : null}
      <button type="button" data-testid="hunt-end" onClick={() => void toggleHunt()}>End <Key k="H" /></button>
    </div>
  );
}
