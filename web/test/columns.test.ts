import { describe, expect, test } from "vitest";
import { positionAt } from "../src/trace/cursors";
import { ColumnRing, columnsFor, pieces, sweepX } from "../src/trace/columns";
import { decodeFrame } from "../src/wire/frames";
import { binary } from "./binary";

/** A ring of one channel, 1000 samples/s, 10 samples per column, 1 s. */
const ring = () => new ColumnRing(1, 1000, 10, 1);
const minmax = (first: number, pairs: number[], more: object = {}) =>
  decodeFrame(binary({ kind: 2, first, count: pairs.length / 2, decimation: 10, data: pairs, ...more }));

function strokes(r: ColumnRing, from: number, to: number): string {
  let out = "";
  r.walk(0, from, to, { move: (p, v) => { out += `M${p},${v} `; }, line: (p, v) => { out += `L${p},${v} `; } });
  return out.trim();
}

describe("columns", () => {
  test("each column is stroked over min and max, the nearer end first, joined to its neighbour", () => {
    const r = ring();
    r.push(minmax(0, [-1, 2, -3, 4]));
    expect(strokes(r, 0, 2)).toBe("M0,-1 L0,2 L1,4 L1,-3");
  });

  test("the pen is up over a gap, whether told by NaN or by a jump of the index", () => {
    const r = ring();
    r.push(minmax(0, [1, 1, NaN, NaN, 3, 3]));
    r.push(minmax(60, [6, 6]));
    expect(strokes(r, 0, 8)).toBe("M0,1 L0,1 M2,3 L2,3 M6,6 L6,6");
  });

  test("a column overwritten one ring later is not drawn at its old place", () => {
    const r = ring();
    r.push(minmax(0, [5, 5]));
    r.push(minmax(1000, [7, 7]));
    expect(strokes(r, 0, 1)).toBe("");
    expect(strokes(r, 100, 101)).toBe("M100,7 L100,7");
  });

  test("a gap keeps its true width and place", () => {
    const r = ring();
    r.push(minmax(0, [1, 1, 1, 1]));
    r.addGap(1, 25, 12, "lost");
    expect(r.gaps).toEqual([{ position: 2.5, columns: 1.2, samples: 12, firstMissing: 25, epoch: 1, cause: "lost", drawnOnly: false }]);
  });

  test("samples this page was too slow for are a gap that says so", () => {
    const r = ring();
    r.push(minmax(0, [1, 1]));
    r.push(minmax(50, [1, 1], { dropped: 40 }));
    expect(r.gaps[0]).toMatchObject({ position: 1, columns: 4, firstMissing: 10 });
    expect(r.gaps[0]?.cause).toMatch(/too slow/);
  });

  test("a new epoch restarts the index, leaves a seam, and is told apart under a cursor", () => {
    const r = ring();
    r.push(minmax(500, [1, 1, 1, 1]));
    r.push(minmax(0, [2, 2], { epoch: 2 }));
    expect(r.seams).toEqual([{ position: 53, epoch: 2 }]);
    expect(r.sampleAt(51)).toEqual({ epoch: 1, index: 510 });
    expect(r.sampleAt(54)).toEqual({ epoch: 2, index: 0 });
  });

  test("a frame of an epoch long gone is not drawn into the present", () => {
    const r = ring();
    r.push(minmax(0, [1, 1], { epoch: 2 }));
    r.push(minmax(10, [9, 9], { epoch: 1 }));
    expect(r.head).toBe(1);
  });

  test("a still copy does not move", () => {
    const r = ring();
    r.push(minmax(0, [1, 1]));
    const still = r.still();
    r.push(minmax(10, [2, 2]));
    expect(still.head).toBe(1);
    expect(strokes(still, 0, 2)).toBe("M0,1 L0,1");
  });
});

test("a cursor behind the head is in this sweep, one ahead of it in the sweep before", () => {
  const r = ring();
  r.push(minmax(1500, [1, 1]));
  expect(positionAt(r, 0.2, 1)).toBe(120);
  expect(positionAt(r, 0.8, 1)).toBe(80);
  expect(sweepX(120, 100)).toBe(20);
});

test("columns asked for: enough for the picture, samples when the window is short or the rate low", () => {
  expect(columnsFor(1, 16000)).toBe(500);
  expect(columnsFor(10, 16000)).toBe(100);
  expect(columnsFor(0.1, 16000)).toBe(0);
  expect(columnsFor(1, 250)).toBe(0);
});

describe("settling", () => {
  test("the start of each epoch and the time after a gap are not yet settled, what this page missed is", () => {
    const r = ring();
    r.settlingSamples = 20;
    r.push(minmax(0, [1, 1, 2, 2, 3, 3, 4, 4]));
    r.addGap(1, 40, 30, "lost");
    r.push(minmax(70, [5, 5, 6, 6, 7, 7]));
    r.addGap(1, 80, 10, "older than the service keeps", true);
    expect(r.settling()).toEqual([[0, 2], [7, 9]]);
    r.push(minmax(0, [1, 1], { epoch: 2 }));
    expect(r.settling()[1]).toEqual([12, 14]);
    expect(r.still().settling()).toEqual(r.settling());
  });

  test("a filter that needs no time leaves nothing unsettled", () => {
    const r = ring();
    r.push(minmax(0, [1, 1]));
    expect(r.settling()).toEqual([]);
  });

  test("pieces cover a stretch once, whatever the order and overlap of the spans", () => {
    expect(pieces(0, 10, [])).toEqual([{ from: 0, to: 10, settled: true }]);
    expect(pieces(2, 10, [[6, 8], [0, 3], [7, 20]])).toEqual([
      { from: 2, to: 3, settled: false }, { from: 3, to: 6, settled: true }, { from: 6, to: 10, settled: false },
    ]);
    expect(pieces(5, 5, [[0, 9]])).toEqual([]);
    expect(pieces(9, 5, [[0, 9]])).toEqual([]);
  });
});
