import { beforeEach, describe, expect, test } from "vitest";
import { ARMED_PING_MS, LiveSocket, PING_MS, type Link, type ViewRequest } from "../src/wire/live";
import { ServerClock } from "../src/wire/clock";
import type { Text } from "../src/wire/messages";
import { binary } from "./binary";

class FakeSocket {
  readyState = 1;
  binaryType = "";
  sent: Record<string, unknown>[] = [];
  onopen: () => void = () => undefined;
  onmessage: (e: { data: string | ArrayBuffer }) => void = () => undefined;
  onclose: (e: { code: number; reason: string }) => void = () => undefined;
  send(text: string): void { this.sent.push(JSON.parse(text) as Record<string, unknown>); }
  close(): void { this.readyState = 3; }
  hear(message: object): void { this.onmessage({ data: JSON.stringify(message) }); }
  drop(code = 1006): void { this.readyState = 3; this.onclose({ code, reason: "" }); }
  of(type: string): Record<string, unknown>[] { return this.sent.filter((m) => m["type"] === type); }
}

let sockets: FakeSocket[];
let timers: { run: () => void; ms: number }[];
let heard: Text[];
let reasons: string[];
let viewed: number[];
let live: LiveSocket;
const REQUEST: ViewRequest = { device: "d", stream: "emg", channels: ["a"], preset: "surface", columns_per_s: 500 };
const latest = () => sockets.at(-1) as FakeSocket;
const run = (ms: number) => timers.splice(0).filter((t) => t.ms === ms).forEach((t) => t.run());
const reply = (more: object) => latest().hear({ type: "view", view: 1, epoch: 1, next_index: 0, decimation: 10, ...more });
const lastRequest = () => latest().of("subscribe").at(-1)?.["request"];

beforeEach(() => {
  sockets = []; timers = []; heard = []; reasons = []; viewed = [];
  const link: Link = {
    opened: () => undefined, closed: (r) => reasons.push(r), text: (t) => heard.push(t), viewed: (_n, r) => viewed.push(r.view), frame: () => undefined,
  };
  live = new LiveSocket("ws://x", link, () => { sockets.push(new FakeSocket()); return latest() as unknown as WebSocket; },
    { set: (f, ms) => { const t = { run: f, ms }; timers.push(t); return t; }, clear: (t) => { timers = timers.filter((x) => x !== t); } }, () => 5);
  live.connect();
  latest().onopen();
});

describe("the socket", () => {
  test("after a break it connects again with back-off, subscribes again and resumes where it broke off", () => {
    live.subscribe("strip", REQUEST);
    reply({ request: lastRequest() });
    latest().onmessage({ data: binary({ kind: 2, view: 1, first: 100, count: 2, decimation: 10, data: [0, 1, 0, 1] }) });
    latest().drop();
    expect(reasons).toEqual(["the connection broke"]);
    run(250);
    expect(sockets).toHaveLength(2);
    latest().hear({ type: "hello" });
    reply({ request: lastRequest(), view: 4, next_index: 500 });
    expect(latest().of("resume")).toEqual([{ type: "resume", view: 4, epoch: 1, next_index: 120 }]);
  });

  test("it does not resume into another epoch", () => {
    live.subscribe("strip", REQUEST);
    reply({ request: lastRequest() });
    latest().onmessage({ data: binary({ kind: 2, view: 1, first: 100, count: 1, decimation: 10, data: [0, 1] }) });
    latest().drop();
    run(250);
    latest().hear({ type: "hello" });
    reply({ request: lastRequest(), epoch: 2, next_index: 500 });
    expect(latest().of("resume")).toEqual([]);
  });

  test("each failed attempt waits longer, up to 3 s, and a hello makes it short again", () => {
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      latest().drop();
      const wait = timers.at(-1)?.ms ?? 0;
      waits.push(wait);
      run(wait);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 3000, 3000]);
    latest().hear({ type: "hello" });
    latest().drop();
    expect(timers.at(-1)?.ms).toBe(250);
  });

  test("a view that was not asked for, or no longer wanted, is let go", () => {
    latest().hear({ type: "hello" });
    reply({ request: null, view: 9 });
    live.subscribe("strip", REQUEST);
    const old = lastRequest();
    live.subscribe("strip", { ...REQUEST, columns_per_s: 100 });
    reply({ request: old, view: 10 });
    reply({ request: lastRequest(), view: 11 });
    expect(latest().of("unsubscribe").map((m) => m["view"])).toEqual([9, 10]);
    expect(viewed).toEqual([11]);
  });

  test("while armed it pings within the service's 300 ms", () => {
    expect(timers.at(-1)?.ms).toBe(PING_MS);
    live.setArmed(true);
    expect(timers.map((t) => t.ms)).toEqual([ARMED_PING_MS]);
    expect(ARMED_PING_MS).toBeLessThan(300);
    expect(latest().of("ping").length).toBe(2);
  });

  test("STOP says whether there was a socket to say it on", () => {
    expect(live.stop()).toBe(true);
    expect(latest().of("stop")).toHaveLength(1);
    latest().drop();
    expect(live.stop()).toBe(false);
  });
});

describe("the service's clock", () => {
  test("the least delayed message sets it, and ages are differences of server times", () => {
    let page = 10;
    const clock = new ServerClock(() => page);
    expect(clock.age(5)).toBeNull();
    clock.anchor(100, "2026-01-01T00:00:00Z");
    page = 11;
    clock.heard(100.9);
    expect(clock.now()).toBe(101);
    clock.heard(101.2);
    expect(clock.age(101)).toBeCloseTo(0.2);
    expect(clock.utc(103).toISOString()).toBe("2026-01-01T00:00:03.000Z");
  });
});
