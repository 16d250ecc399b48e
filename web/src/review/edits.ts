// What a person changed, in words: from the edits as the service keeps them.
import { format, quantityOf } from "../format";
import { placeWords } from "../state/table";
import type { Edit } from "../wire/table";
import { rowWords } from "../table/detail";

type Told = Record<string, unknown> & { absent?: unknown };
const fields = (value: unknown): Told => (typeof value === "object" && value !== null ? (value as Told) : {});
const text = (value: unknown): string => (typeof value === "string" ? placeWords(value) : typeof value === "number" || typeof value === "boolean" ? String(value) : "not told");

function said(told: Told): string {
  return Object.entries(told).filter(([, v]) => v !== null && v !== "").map(([name, v]) => (typeof v === "number" ? format(quantityOf(name === "mm" ? "distance_mm" : name), v) : `${placeWords(name)} ${text(v)}`)).join(", ");
}

type Say = (to: Told, row: string, e: Edit) => string;
const spaced = (id: string) => id.replaceAll("_", " ").replaceAll(".", " ");
const SAY: Readonly<Record<string, Say>> = {
  marker: (to, row) => `moved ${text(to["name"])} of ${row} to ${typeof to["latency_ms"] === "number" ? format("latency_ms", to["latency_ms"]) : "another sample"}`,
  reset: (to, row) => `set ${to["name"] == null ? "all markers" : text(to["name"])} of ${row} back to automatic`,
  absent: (to, row) => (to.absent === true ? `said no response of ${row}${to["electrode_checked"] === true ? ", electrodes checked" : ""}` : `took "no response" of ${row} back`),
  distance: (to, row) => (typeof to["mm"] === "number" ? `entered ${format("distance_mm", to["mm"])} for ${row}` : `took the distance of ${row} back`),
  condition: (to, row) => `said of ${row}: ${said(to) || "nothing any more"}`,
  effort: (to, row) => `said of ${row}: ${to["maximal"] === true ? "maximal effort was reached" : to["maximal"] === false ? "maximal effort was not reached" : "nothing of the effort"}`,
  included: (to) => (to["included"] === true ? "put a sweep back" : "left a sweep out"),
  correction: (to) => {
    const { sweeps, ...where } = to;
    return `moved ${Array.isArray(sweeps) ? format("count", sweeps.length) + " sweeps" : "a sweep"} to ${said(where)}`;
  },
  temperature: (to) => `measured ${typeof to["celsius"] === "number" ? format("temperature_c", to["celsius"]) : "no temperature"}${to["where"] ? `, ${text(to["where"])}` : ""}`,
  subject: () => "told age, sex and height",
  study: (_, __, e) => (e.to === "closed" ? "closed the study" : "opened the study"),
  step: (to, _, e) => (typeof e.to === "string" ? `${e.to === "start" ? "started" : e.to} ${spaced(e.target)}` : `${said(to)}: ${spaced(e.target)}`),
};

/** One sentence without who and when. */
export function editWords(e: Edit): string {
  const row = e.target.split(".").length === 6 ? rowWords(e.target) : e.target;
  return SAY[e.what]?.(fields(e.to), row, e) ?? placeWords(e.what);
}
