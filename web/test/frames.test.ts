import { describe, expect, test } from "vitest";
import { decodeFrame } from "../src/wire/frames";
import { binary } from "./binary";

describe("binary frames", () => {
  test("every field of the header is where live.md says", () => {
    const frame = decodeFrame(binary({ kind: 2, view: 7, epoch: 3, first: 2 ** 33, count: 2, dropped: 96, channels: 2, decimation: 32, serverS: 12.5,
      data: [1, 2, 3, 4, 5, 6, 7, 8] }));
    expect(frame).toMatchObject({ kind: "minmax", view: 7, epoch: 3, firstIndex: 2 ** 33, count: 2, droppedBefore: 96, channels: 2, decimation: 32, serverS: 12.5 });
    expect([...frame.data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("a frame whose length is not what its header promises is refused", () => {
    const whole = binary({ kind: 1, count: 4, channels: 1, data: [1, 2, 3, 4] });
    expect(() => decodeFrame(whole.slice(0, -4))).toThrow(/promises 56/);
    expect(() => decodeFrame(whole.slice(0, 12))).toThrow(/shorter than its 40-byte header/);
  });

  test("an unknown version or kind is refused in a sentence", () => {
    expect(() => decodeFrame(binary({ version: 2, kind: 1 }))).toThrow(/version 2/);
    expect(() => decodeFrame(binary({ kind: 9 }))).toThrow(/kind 9/);
  });
});
