// Epochs of effort: what is read of the service's items, what is drawn, and which key takes one.
import { describe, expect, test } from "vitest";
import { actionFor, type KeyPress } from "../src/keys";
import { place } from "../src/late/effort";
import { munixItems, munixPoints } from "../src/late/items";
import { effortOf, effortTold } from "../src/state/effort";
import type { Measurement } from "../src/wire/messages";

const items = [
  { epoch: 0, area_mv_ms: 12, icmuc: 140, left_out: "area too small" },
  { epoch: 1, area_mv_ms: 80, icmuc: 31, left_out: "" },
  { epoch: 2, area_mv_ms: 90, icmuc: null, left_out: "no CMAP to hold it against" },
  { epoch: 3, area_mv_ms: null, icmuc: 3, left_out: "" },
];
const m = { id: "m", measure: "munix", state: "measured", reasons: [], values: {}, markers: [], version: "2", items } as unknown as Measurement;
const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({ key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, repeat: false, ...more });

describe("epochs", () => {
  test("each is listed with its number and why it is not used; without an area it is none", () => {
    expect(munixItems(m).map((i) => [i.epoch, i.leftOut])).toEqual([[0, "area too small"], [1, ""], [2, "no CMAP to hold it against"]]);
  });
  test("without a CMAP there is no point to draw", () => expect(munixPoints(m).map((p) => p.epoch)).toEqual([0, 1]));
});

describe("the bar", () => {
  test("stands by ratios: equal steps of effort are equally far apart", () => {
    expect(place(20, 200) - place(10, 200)).toBeCloseTo(place(200, 200) - place(100, 200));
    expect([place(0, 200), place(1e4, 200)]).toEqual([0, 1]);
  });
  test("shows nothing of another row, nor what is older than a second", () => {
    effortTold({ row: "a", area_mv_ms: 50, icmuc: null, left_out: "", least_mv_ms: 20, full_mv_ms: null }, 10);
    expect(effortOf("a", 10.5)?.area_mv_ms).toBe(50);
    expect(effortOf("b", 10.5)).toBeNull();
    expect(effortOf("a", 11.5)).toBeNull();
  });
});

test("Enter takes an epoch: not in a field, not on a button or a choice that has the focus, not held down", () => {
  expect(actionFor(press("Enter"), "page")).toBe("epoch");
  expect(actionFor(press("F8"), "button")).toBe("epoch");
  for (const where of ["field", "button", "select"] as const) expect(actionFor(press("Enter"), where)).toBeNull();
  expect(actionFor(press("Enter", { repeat: true }), "page")).toBeNull();
});
