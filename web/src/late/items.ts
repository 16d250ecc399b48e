// What the batch measures list of their sweeps, read with care: an item that is not as expected is left out.
import type { SweepRecord } from "../state/sweeps";
import type { Measurement } from "../wire/messages";
import type { RowText } from "../wire/table";

type Item = Record<string, unknown>;
const num = (item: Item, key: string): number | null => (typeof item[key] === "number" ? item[key] : null);
const nums = (item: Item, key: string): number[] => (Array.isArray(item[key]) ? item[key].filter((v): v is number => typeof v === "number") : []);

/** Latency of each F-wave by the id of its sweep. */
export function fTicks(row: RowText | null): Map<string, number> {
  const told = new Map<string, number>();
  for (const item of row?.measure === "f_wave" ? (row.measurement.items ?? []) : []) {
    const at = num(item, "latency_ms");
    const id = row?.used[num(item, "sweep") ?? -1];
    if (item["kind"] === "f" && at !== null && id !== undefined) told.set(id, at);
  }
  return told;
}

export interface HPoint { currentMa: number; mMv: number; hMv: number }
export function hPoints(m: Measurement): HPoint[] {
  return (m.items ?? []).flatMap((item) => {
    const [currentMa, mMv, hMv] = [num(item, "current_ma"), num(item, "m_mv"), num(item, "h_mv")];
    return currentMa === null || mMv === null || hMv === null ? [] : [{ currentMa, mMv, hMv }];
  });
}

export interface RnsTrain { number: number; phase: string; afterS: number | null; amplitudeMv: number[]; areaMvMs: number[]; largest: number | null; smooth: boolean }
export function rnsTrains(m: Measurement): RnsTrain[] {
  return (m.items ?? []).flatMap((item) => {
    const amplitudeMv = nums(item, "amplitude_mv");
    if (amplitudeMv.length === 0) return [];
    return [{
      number: num(item, "train") ?? 0, phase: typeof item["phase"] === "string" ? item["phase"] : "", afterS: num(item, "after_s"), amplitudeMv,
      areaMvMs: nums(item, "area_mv_ms"), largest: num(item, "decrement_max_percent"), smooth: item["smooth"] !== false,
    }];
  });
}

/** An epoch of effort, numbered from 0; icmuc null: no CMAP to hold it against. leftOut: why it is not used, else empty. */
export interface MunixItem { epoch: number; areaMvMs: number; icmuc: number | null; leftOut: string }
export function munixItems(m: Measurement): MunixItem[] {
  return (m.items ?? []).flatMap((item, i) => {
    const areaMvMs = num(item, "area_mv_ms");
    if (areaMvMs === null || areaMvMs <= 0) return [];
    return [{ epoch: num(item, "epoch") ?? i, areaMvMs, icmuc: num(item, "icmuc"), leftOut: typeof item["left_out"] === "string" ? item["left_out"] : "" }];
  });
}

export type MunixPoint = MunixItem & { icmuc: number };
export function munixPoints(m: Measurement): MunixPoint[] {
  return munixItems(m).filter((item): item is MunixPoint => item.icmuc !== null && item.icmuc > 0);
}

export interface ScanPoint { currentMa: number; amplitudeMv: number; absent: boolean; included: boolean }
/** Each sweep's own amplitude against its current; an absent one stands at nothing and says so. */
export function scanPoints(sweeps: readonly SweepRecord[]): ScanPoint[] {
  return sweeps.flatMap(({ text }) => {
    const m = text.measurement;
    if (text.current_ma === null || m === null || m.state === "not_assessable") return [];
    return [{ currentMa: text.current_ma, amplitudeMv: m.values["amplitude_mv"] ?? 0, absent: m.values["amplitude_mv"] === undefined, included: text.included && !text.gap }];
  });
}
