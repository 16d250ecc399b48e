// Binary frames of docs/protocols/live.md: a 40-byte little-endian header, then float32 µV.

export const HEADER_BYTES = 40;
export const WIRE_VERSION = 1;
export type FrameKind = "samples" | "minmax" | "sweep";
const KINDS: readonly (FrameKind | undefined)[] = [undefined, "samples", "minmax", "sweep"];

export interface Frame {
  kind: FrameKind;
  view: number;
  epoch: number;
  firstIndex: number;
  count: number;
  droppedBefore: number;
  channels: number;
  decimation: number;
  serverS: number;
  /** count values per channel (2 × count for minmax: min, max, min, max …), channel after channel. */
  data: Float32Array;
}

/** Decode one frame, or say in one sentence why it cannot be. Indices above 2^53 are refused. */
export function decodeFrame(buffer: ArrayBuffer): Frame {
  if (buffer.byteLength < HEADER_BYTES) {
    throw new RangeError(`binary frame of ${buffer.byteLength} bytes: shorter than its 40-byte header`);
  }
  const head = new DataView(buffer);
  const version = head.getUint8(0);
  if (version !== WIRE_VERSION) throw new RangeError(`binary frame version ${version}: this page speaks 1; reload it`);
  const kind = KINDS[head.getUint8(1)];
  if (kind === undefined) throw new RangeError(`binary frame kind ${head.getUint8(1)}: unknown; reload the page`);
  const firstIndex = Number(head.getBigUint64(8, true));
  if (!Number.isSafeInteger(firstIndex)) throw new RangeError("binary frame index beyond 2^53");
  const count = head.getUint32(16, true);
  const channels = head.getUint16(24, true);
  const values = channels * count * (kind === "minmax" ? 2 : 1);
  if (buffer.byteLength !== HEADER_BYTES + 4 * values) {
    throw new RangeError(`binary frame of ${buffer.byteLength} bytes: its header promises ${HEADER_BYTES + 4 * values}`);
  }
  return {
    kind,
    view: head.getUint16(2, true),
    epoch: head.getUint32(4, true),
    firstIndex,
    count,
    droppedBefore: head.getUint32(20, true),
    channels,
    decimation: Math.max(1, head.getUint16(26, true)),
    serverS: head.getFloat64(28, true),
    data: new Float32Array(buffer, HEADER_BYTES, values),
  };
}
