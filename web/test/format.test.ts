import { describe, expect, test } from "vitest";
import { ageWords, bytes, clock, format, latencyDigits, number } from "../src/format";

describe("numbers", () => {
  test.each([
    ["latency_ms", 3.618, "3.62\u00a0ms"],
    ["cmap_mv", 3.14, "3.1\u00a0mV"],
    ["cmap_mv", 0.352, "0.35\u00a0mV"],
    ["emg_uv", 44.4, "44\u00a0µV"],
    ["emg_uv", 4.24, "4.2\u00a0µV"],
    ["rate_hz", 16000, "16\u202f000\u00a0Hz"],
    ["rate_hz", 250, "250\u00a0Hz"],
    ["current_ma", 32, "32.0\u00a0mA"],
    ["temperature_c", 33.14, "33.1\u00a0°C"],
  ] as const)("%s %d is %s", (quantity, value, shown) => expect(format(quantity, value)).toBe(shown));

  test("what was not measured is a dash without a unit", () => {
    expect(format("latency_ms", null)).toBe("–");
    expect(format("latency_ms", undefined)).toBe("–");
    expect(format("latency_ms", NaN)).toBe("–");
  });

  test("minus is the true sign, and zero has none", () => {
    expect(number("cmap_mv", -3.9)).toBe("−3.9");
    expect(number("cmap_mv", -0.0001)).toBe("0.00");
  });

  test("a slow stream gets no digits it cannot support", () => {
    expect([16000, 4000, 250].map(latencyDigits)).toEqual([2, 1, 0]);
  });
});

test("an age is told, and after a minute the value is gone", () => {
  expect(ageWords(1)).toBe("now");
  expect(ageWords(6.4)).toBe("6\u00a0s ago");
  expect(ageWords(61)).toBe("no data for 1\u00a0min");
});

test("clock and bytes", () => {
  expect(clock(754)).toBe("12:34");
  expect(clock(3723)).toBe("1:02:03");
  expect(bytes(96_000_000)).toBe("96.0\u00a0MB");
});
