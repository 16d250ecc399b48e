// What happened, time first. The event line is the only message place; the list is behind it.
import { computed, signal } from "@preact/signals";

export type EventLevel = "note" | "lost" | "not_on_disk" | "armed" | "stopped";
export interface PageEvent { at: Date; sentence: string; level: EventLevel; gap?: { samples: number; count: number } }
const MERGE_MS = 10_000;
const KEPT = 200;

export const events = signal<PageEvent[]>([]);
export const lastEvent = computed(() => events.value.at(-1) ?? null);
/** What is said at once (role=alert): lost, not on disk, armed, stopped. Nothing else. */
export const alertSentence = signal("");

export function tell(sentence: string, level: EventLevel = "note", at = new Date()): void {
  events.value = [...events.value.slice(1 - KEPT), { at, sentence, level }];
  if (level !== "note") alertSentence.value = sentence;
}

/** Gaps of ten seconds are one event that counts, so that a lossy spell does not push out what else was said. */
export function tellGap(samples: number, words: (samples: number, count: number) => string, at: Date): void {
  const last = events.value.findLast((e) => e.gap !== undefined);
  if (!last?.gap || at.getTime() - last.at.getTime() > MERGE_MS) {
    events.value = [...events.value.slice(1 - KEPT), { at, sentence: words(samples, 1), level: "note", gap: { samples, count: 1 } }];
    return;
  }
  const gap = { samples: last.gap.samples + samples, count: last.gap.count + 1 };
  const told = { ...last, gap, sentence: words(gap.samples, gap.count) };
  events.value = events.value.map((e) => (e === last ? told : e));
}
