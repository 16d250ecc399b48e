// Frames as the service would send them, written out a second time for the tests.
interface Parts { version?: number; kind: number; view?: number; epoch?: number; first?: number; count?: number; dropped?: number; channels?: number; decimation?: number; serverS?: number; data?: number[] }

export function binary(p: Parts): ArrayBuffer {
  const data = p.data ?? [];
  const buffer = new ArrayBuffer(40 + 4 * data.length);
  const v = new DataView(buffer);
  v.setUint8(0, p.version ?? 1);
  v.setUint8(1, p.kind);
  v.setUint16(2, p.view ?? 1, true);
  v.setUint32(4, p.epoch ?? 1, true);
  v.setBigUint64(8, BigInt(p.first ?? 0), true);
  v.setUint32(16, p.count ?? 0, true);
  v.setUint32(20, p.dropped ?? 0, true);
  v.setUint16(24, p.channels ?? 1, true);
  v.setUint16(26, p.decimation ?? 1, true);
  v.setFloat64(28, p.serverS ?? 0, true);
  data.forEach((value, i) => v.setFloat32(40 + 4 * i, value, true));
  return buffer;
}
