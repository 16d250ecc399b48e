// Contrast of every token against the surfaces it is used on, computed from tokens.css itself.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const css = readFileSync(new URL("../src/style/tokens.css", import.meta.url), "utf8");
const tokens = new Map([...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map((m) => [m[1], [m[2], m[3]]]));

function luminance(hex: string): number {
  const parts = [1, 3, 5].map((at) => {
    const c = parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (parts[0] ?? 0) + 0.7152 * (parts[1] ?? 0) + 0.0722 * (parts[2] ?? 0);
}

function ratio(a: string, b: string, theme: number): number {
  const [x, y] = [a, b].map((name) => luminance(tokens.get(name)?.[theme] ?? "")).sort((p, q) => q - p) as [number, number];
  return (x + 0.05) / (y + 0.05);
}

const TEXT = ["text", "dim", "umn", "lmn", "trace", "caution-line", "bad-line"];
const GRAPHIC = ["edge", "old"];

describe.each([["light", 0], ["dark", 1]] as const)("%s", (_name, theme) => {
  test.each(TEXT.flatMap((t) => ["panel", "raised", "bg"].map((s) => [t, s] as const)))("%s on %s is readable text", (ink, surface) => {
    expect(ratio(ink, surface, theme)).toBeGreaterThanOrEqual(4.5);
  });
  test.each(GRAPHIC.flatMap((t) => ["panel", "raised", "bg"].map((s) => [t, s] as const)))("%s on %s is a visible shape", (ink, surface) => {
    expect(ratio(ink, surface, theme)).toBeGreaterThanOrEqual(3);
  });
  test("STOP and armed are readable", () => {
    expect(ratio("stop-text", "stop", theme)).toBeGreaterThanOrEqual(4.5);
    expect(ratio("caution-text", "caution-fill", theme)).toBeGreaterThanOrEqual(7);
  });
  test("traces are the brightest thing", () => {
    expect(ratio("trace", "panel", theme)).toBeGreaterThan(1.3 * ratio("text", "panel", theme));
  });
});

test("every colour of the page is a token", () => {
  const page = readFileSync(new URL("../src/style/page.css", import.meta.url), "utf8");
  expect(page.match(/#[0-9a-f]{3,8}\b|rgb\(|hsl\(/gi)?.filter((c) => c !== "#page") ?? []).toEqual([]);
});
