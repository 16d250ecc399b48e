import { describe, expect, test } from "vitest";
import { actionFor, BINDINGS, type KeyPress, type Place } from "../src/keys";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress =>
  ({ key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, repeat: false, ...more });
const PLACES: Place[] = ["page", "field", "button", "slider", "select"];

describe("keys", () => {
  test.each(PLACES)("Esc and Pause are STOP with the focus in a %s, with any modifier, held or not", (place) => {
    for (const key of ["Escape", "Pause"]) {
      expect(actionFor(press(key), place)).toBe("stop");
      expect(actionFor(press(key, { ctrlKey: true, shiftKey: true, repeat: true }), place)).toBe("stop");
    }
  });

  test("no other key does anything in a text field", () => {
    for (const b of BINDINGS.filter((x) => x.action !== "stop")) for (const key of b.keys) expect(actionFor(press(key), "field")).toBeNull();
  });

  test("FIRE needs a fresh press, and a focused button keeps its space bar", () => {
    expect(actionFor(press(" "), "page")).toBe("fire");
    expect(actionFor(press(" ", { repeat: true }), "page")).toBeNull();
    expect(actionFor(press(" "), "button")).toBeNull();
    expect(actionFor(press("F9"), "button")).toBe("fire");
  });

  test("arrows on a slider or a scrolling region never change intensity", () => {
    expect(actionFor(press("ArrowUp"), "page")).toBe("intensityUp");
    expect(actionFor(press("ArrowUp"), "slider")).toBeNull();
    expect(actionFor(press("ArrowUp"), "select")).toBeNull();
  });

  test("shift turns a letter's meaning, and caps lock alone does not", () => {
    expect(actionFor(press("G", { shiftKey: true }), "page")).toBe("gainDown");
    expect(actionFor(press("G"), "page")).toBe("gainUp");
    expect(actionFor(press("?", { shiftKey: true }), "page")).toBe("help");
  });

  test("browser shortcuts stay the browser's", () => {
    expect(actionFor(press("a", { ctrlKey: true }), "page")).toBeNull();
  });

  test("no key has two meanings, and none both sets intensity and fires", () => {
    const keys = BINDINGS.flatMap((b) => b.keys);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
