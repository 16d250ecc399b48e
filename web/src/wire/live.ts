// One socket: reconnects with back-off, re-subscribes its views and resumes them where they broke off.
import { decodeFrame, type Frame } from "./frames";
import type { Text, ViewReply } from "./messages";

export interface ViewRequest { device: string; stream: string; channels: string[]; preset: string; columns_per_s: number }
export interface Link {
  opened(): void;
  closed(reason: string): void;
  text(message: Text): void;
  /** The answer to the newest subscription under `name`. */
  viewed(name: string, reply: ViewReply): void;
  frame(frame: Frame): void;
}
export interface Timers { set(run: () => void, ms: number): unknown; clear(handle: unknown): void }
type SocketMaker = (url: string) => WebSocket;

const BACK_OFF_MS = [250, 500, 1000, 2000, 3000];
export const PING_MS = 1000;
export const ARMED_PING_MS = 250;

interface Wanted {
  request: ViewRequest;
  /** Id of the subscription last sent: replies to older ones are let go. */
  id: string;
  reply: ViewReply | null;
  epoch: number | null;
  nextIndex: number;
  resumeFrom: [number, number] | null;
}

export class LiveSocket {
  private socket: WebSocket | null = null;
  private attempts = 0;
  private pinging: unknown = null;
  private readonly wanted = new Map<string, Wanted>();
  private ended = false;
  private asked = 0;
  /** While this page has armed, the service must hear it every 300 ms. */
  armed = false;

  constructor(
    private readonly url: string,
    private readonly link: Link,
    private readonly make: SocketMaker = (u) => new WebSocket(u),
    private readonly timers: Timers = { set: (f, ms) => setTimeout(f, ms), clear: (h) => clearTimeout(h as number) },
    private readonly pageMs: () => number = () => performance.now(),
  ) {}

  connect(): void {
    const socket = this.make(this.url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => { this.link.opened(); this.ping(); };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (typeof event.data === "string") this.heard(JSON.parse(event.data) as Text);
      else this.frame(decodeFrame(event.data));
    };
    socket.onclose = (event: CloseEvent) => this.lost(event);
  }

  end(): void {
    this.ended = true;
    this.socket?.close(1000);
  }

  /** The stimulator off, ahead of everything else. False if there is no open socket to say it on. */
  stop(): boolean {
    return this.send({ type: "stop" });
  }

  /** Ask for a view under a name of ours; the same name replaces the earlier view. */
  subscribe(name: string, request: ViewRequest): void {
    const old = this.wanted.get(name);
    if (old && JSON.stringify(old.request) === JSON.stringify(request)) return;
    if (old?.reply) this.send({ type: "unsubscribe", view: old.reply.view });
    const wanted = { request, id: "", reply: null, epoch: null, nextIndex: 0, resumeFrom: null };
    this.wanted.set(name, wanted);
    this.ask(name, wanted);
  }

  private ask(name: string, wanted: Wanted): void {
    wanted.id = `${name}#${++this.asked}`;
    this.send({ type: "subscribe", request: wanted.id, ...wanted.request });
  }

  setArmed(armed: boolean): void {
    if (armed === this.armed) return;
    this.armed = armed;
    this.timers.clear(this.pinging);
    this.ping();
  }

  private send(message: object): boolean {
    if (this.socket?.readyState !== 1) return false;
    try {
      this.socket.send(JSON.stringify(message));
      return true;
    } catch {
      // STOP must go on to its second way whatever the socket does.
      return false;
    }
  }

  private ping(): void {
    this.send({ type: "ping", t: this.pageMs() });
    this.pinging = this.timers.set(() => this.ping(), this.armed ? ARMED_PING_MS : PING_MS);
  }

  private heard(message: Text): void {
    if (message.type === "hello") {
      this.attempts = 0;
      this.resubscribe();
    }
    if (message.type === "view") this.viewed(message);
    this.link.text(message);
  }

  /** After every hello: on a new socket, and where the service has begun again with new streams. */
  private resubscribe(): void {
    for (const [name, wanted] of this.wanted) {
      if (wanted.reply) this.send({ type: "unsubscribe", view: wanted.reply.view });
      wanted.resumeFrom = wanted.epoch === null ? null : [wanted.epoch, wanted.nextIndex];
      wanted.reply = null;
      this.ask(name, wanted);
    }
  }

  private viewed(reply: ViewReply): void {
    const found = [...this.wanted].find(([, w]) => w.id === reply.request);
    if (!found) {
      // The default view, or one that was replaced while it was being made: subscriptions are counted.
      this.send({ type: "unsubscribe", view: reply.view });
      return;
    }
    const [name, wanted] = found;
    wanted.reply = reply;
    this.link.viewed(name, reply);
    const from = wanted.resumeFrom;
    wanted.resumeFrom = null;
    if (from && from[0] === reply.epoch && from[1] < reply.next_index) {
      this.send({ type: "resume", view: reply.view, epoch: from[0], next_index: from[1] });
    }
  }

  private frame(frame: Frame): void {
    if (frame.kind !== "sweep") {
      for (const wanted of this.wanted.values()) {
        if (wanted.reply?.view !== frame.view) continue;
        wanted.epoch = frame.epoch;
        wanted.nextIndex = frame.firstIndex + frame.count * (frame.kind === "minmax" ? frame.decimation : 1);
      }
    }
    this.link.frame(frame);
  }

  private lost(event: CloseEvent): void {
    this.timers.clear(this.pinging);
    for (const wanted of this.wanted.values()) wanted.reply = null;
    this.link.closed(event.code === 1012 ? ANOTHER_STUDY : event.reason || closeWords(event.code));
    if (this.ended) return;
    const wait = BACK_OFF_MS[Math.min(this.attempts, BACK_OFF_MS.length - 1)] ?? 3000;
    this.attempts += 1;
    this.timers.set(() => this.connect(), wait);
  }
}

export const ANOTHER_STUDY = "another study begins at this bed";
function closeWords(code: number): string {
  if (code === 1001) return "the service stopped";
  if (code === 1012) return ANOTHER_STUDY;
  if (code === 1013) return "this page was too slow and was let go";
  return "the connection broke";
}
