// What happened, time first. The event line is the only message place; the list is behind it.
import { computed, signal } from "@preact/signals";

export type EventLevel = "note" | "lost" | "not_on_disk" | "armed" | "stopped";
export interface PageEvent { at: Date; sentence: string; level: EventLevel }
const KEPT = 200;

export const events = signal<PageEvent[]>([]);
export const lastEvent = computed(() => events.value.at(-1) ?? null);
/** What is said at once (role=alert): lost, not on disk, armed, stopped. Nothing else. */
export const alertSentence = signal("");

export function tell(sentence: string, level: EventLevel = "note", at = new Date()): void {
  events.value = [...events.value.slice(1 - KEPT), { at, sentence, level }];
  if (level !== "note") alertSentence.value = sentence;
}
