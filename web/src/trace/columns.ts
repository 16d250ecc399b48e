// Min/max columns of one view in typed rings: pure, no canvas. Positions count columns along the
// strip and never go back: a new epoch restarts the sample index but goes on along the strip.
import type { Frame } from "../wire/frames";

export interface GapMark {
  position: number; columns: number; samples: number; firstMissing: number; epoch: number; cause: string;
  /** This page did not get the samples, but the service's filter did: it had nothing to settle. */
  drawnOnly: boolean;
}
export interface SeamMark { position: number; epoch: number }
interface Run { epoch: number; offset: number; from: number }
export interface Pen { move(position: number, value: number): void; line(position: number, value: number): void }

const EMPTY = -1;
const KEPT_MARKS = 64;

export class ColumnRing {
  readonly capacity: number;
  private data: Float32Array[];
  private tags: Float64Array;
  private runs: Run[] = [];
  gaps: GapMark[] = [];
  /** Samples that the view's filter needs after a gap or the start of an epoch. */
  settlingSamples = 0;
  seams: SeamMark[] = [];
  /** Position just past the newest column; null before the first frame. */
  head: number | null = null;
  serverS: number | null = null;

  constructor(
    readonly channels: number,
    readonly rateHz: number,
    readonly decimation: number,
    seconds: number,
  ) {
    this.capacity = Math.max(16, Math.ceil((seconds * rateHz) / decimation));
    this.data = Array.from({ length: channels }, () => new Float32Array(2 * this.capacity));
    this.tags = new Float64Array(this.capacity).fill(EMPTY);
  }

  get columnsPerS(): number {
    return this.rateHz / this.decimation;
  }

  /** Fold a frame in: only its own columns are touched. */
  push(frame: Frame): void {
    if (frame.channels !== this.channels) return;
    const first = Math.floor(frame.firstIndex / this.decimation);
    const run = this.runFor(frame.epoch, first);
    if (run === null) return;
    const start = first + run.offset;
    if (frame.droppedBefore > 0) {
      const columns = frame.droppedBefore / this.decimation;
      this.mark({ position: start - columns, columns, samples: frame.droppedBefore, firstMissing: frame.firstIndex - frame.droppedBefore,
        epoch: frame.epoch, cause: "not shown: this page was too slow", drawnOnly: true });
    }
    const pair = frame.kind === "minmax" ? 2 : 1;
    for (let i = 0; i < frame.count; i++) {
      const slot = (start + i) % this.capacity;
      const full = !Number.isNaN(frame.data[i * pair] ?? NaN);
      this.tags[slot] = full ? start + i : EMPTY;
      if (full) this.store(frame, i, slot, pair);
    }
    this.head = Math.max(this.head ?? 0, start + frame.count);
    this.serverS = frame.serverS;
  }

  private store(frame: Frame, i: number, slot: number, pair: number): void {
    for (let c = 0; c < this.channels; c++) {
      const row = this.data[c];
      if (!row) continue;
      const at = (c * frame.count + i) * pair;
      row[2 * slot] = frame.data[at] ?? 0;
      row[2 * slot + 1] = frame.data[at + pair - 1] ?? 0;
    }
  }

  private runFor(epoch: number, first: number): Run | null {
    const last = this.runs.at(-1);
    if (last?.epoch === epoch) return last;
    const known = this.runs.find((r) => r.epoch === epoch);
    if (known) return known;
    if (last && epoch < last.epoch) return null;
    const from = this.head === null ? first : this.head + 2;
    const run = { epoch, offset: from - first, from };
    if (this.head !== null) this.seams = [...this.seams.slice(-KEPT_MARKS), { position: this.head + 1, epoch }];
    this.runs = [...this.runs.slice(-KEPT_MARKS), run];
    return run;
  }

  /** A gap the service told of, at its true width. */
  addGap(epoch: number, firstMissing: number, samples: number, cause: string, drawnOnly = false): void {
    const run = this.runs.find((r) => r.epoch === epoch);
    if (!run) return;
    const columns = samples / this.decimation;
    const position = firstMissing / this.decimation + run.offset;
    this.mark({ position, columns, samples, firstMissing, epoch, cause, drawnOnly });
  }

  private mark(gap: GapMark): void {
    this.gaps = [...this.gaps.slice(-KEPT_MARKS), gap];
  }

  /** Epoch and stream sample index at a position, null outside every epoch seen. */
  sampleAt(position: number): { epoch: number; index: number } | null {
    for (let i = this.runs.length - 1; i >= 0; i--) {
      const run = this.runs[i];
      if (run && position >= run.from) {
        return { epoch: run.epoch, index: Math.round((position - run.offset) * this.decimation) };
      }
    }
    return null;
  }

  /** Position of a sample, null if its epoch was never seen. */
  positionOf(epoch: number, index: number): number | null {
    const run = this.runs.find((r) => r.epoch === epoch);
    return run ? index / this.decimation + run.offset : null;
  }

  /** Spans, in positions, in which the view's filter had not settled: not yet to be read. */
  settling(): [number, number][] {
    const columns = this.settlingSamples / this.decimation;
    if (columns === 0) return [];
    const lost = this.gaps.filter((gap) => !gap.drawnOnly).map((gap) => gap.position + gap.columns);
    return [...this.runs.map((run) => run.offset), ...lost].map((start): [number, number] => [start, start + columns]);
  }

  /** Walk one channel over [from, to): the pen is up wherever a column is empty. */
  walk(channel: number, from: number, to: number, pen: Pen): void {
    const row = this.data[channel];
    if (!row) return;
    let down = false;
    let last = 0;
    for (let position = Math.max(0, Math.ceil(from)); position < to; position++) {
      const slot = position % this.capacity;
      if (this.tags[slot] !== position) {
        down = false;
        continue;
      }
      const low = row[2 * slot] ?? 0;
      const high = row[2 * slot + 1] ?? 0;
      const near = Math.abs(last - low) < Math.abs(last - high) ? low : high;
      const far = near === low ? high : low;
      if (down) pen.line(position, near);
      else pen.move(position, near);
      if (far !== near || !down) pen.line(position, far);
      down = true;
      last = far;
    }
  }

  /** Share of columns present in [from, to). */
  filled(from: number, to: number): number {
    let present = 0;
    for (let p = Math.max(0, Math.ceil(from)); p < to; p++) if (this.tags[p % this.capacity] === p) present += 1;
    return present / Math.max(1, to - from);
  }

  /** A still copy, for Freeze. */
  still(): ColumnRing {
    const copy = new ColumnRing(this.channels, this.rateHz, this.decimation, (this.capacity * this.decimation) / this.rateHz);
    copy.data = this.data.map((row) => row.slice());
    copy.tags = this.tags.slice();
    copy.runs = [...this.runs];
    copy.gaps = [...this.gaps];
    copy.seams = [...this.seams];
    copy.settlingSamples = this.settlingSamples;
    copy.head = this.head;
    copy.serverS = this.serverS;
    return copy;
  }
}

/** [from, to) in pieces, each settled or not; `spans` in any order, overlapping or not. */
export function pieces(from: number, to: number, spans: readonly (readonly [number, number])[]): { from: number; to: number; settled: boolean }[] {
  const out: { from: number; to: number; settled: boolean }[] = [];
  let at = from;
  if (from >= to) return out;
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0])) {
    if (end <= at || start >= to) continue;
    if (start > at) out.push({ from: at, to: start, settled: true });
    const stop = Math.min(end, to);
    const last = out.at(-1);
    if (last && !last.settled) last.to = stop;
    else out.push({ from: Math.max(start, at), to: stop, settled: false });
    at = stop;
  }
  if (at < to) out.push({ from: at, to, settled: true });
  return out;
}

/** Where on a sweep of `width` columns a position is drawn: the write head runs left to right. */
export function sweepX(position: number, width: number): number {
  return ((position % width) + width) % width;
}

/** Columns per second to ask for: one to two per pixel, from a short list so that viewers share views. */
export function columnsFor(windowS: number, rateHz: number): number {
  const rates = [100, 200, 500, 1000, 2000];
  const chosen = rates.find((r) => r * windowS >= 500);
  return chosen === undefined || chosen >= rateHz ? 0 : chosen;
}
