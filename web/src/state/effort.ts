// What an epoch of voluntary effort would be if it were taken now, as the service tells it five times a second.
import { signal } from "@preact/signals";
import type { EffortText } from "../wire/messages";

export const effortNow = signal<{ told: EffortText; atS: number } | null>(null);
const STALE_S = 1;

export function effortTold(told: EffortText, nowS: number | null): void {
  effortNow.value = { told, atS: nowS ?? 0 };
}

/** Of this row, and not older than a second: an old bar would show an effort that is over. */
export function effortOf(row: string, nowS: number | null): EffortText | null {
  const now = effortNow.value;
  if (now === null || now.told.row !== row || (nowS !== null && nowS - now.atS > STALE_S)) return null;
  return now.told;
}
