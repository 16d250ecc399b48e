// The service's monotonic clock as seen from here. Every message that carries server time can only
// arrive late, so the largest (server - page) difference seen is the least delayed one: the same
// minimum-latency envelope the drivers use. Ages are differences of *server* times.

export class ServerClock {
  private offset: number | null = null;
  private anchorServer = 0;
  private anchorUtcMs = 0;

  constructor(private readonly pageS: () => number) {}

  /** A new connection: forget the old clock, and tie server seconds to wall time. */
  anchor(serverS: number, utc: string): void {
    this.offset = serverS - this.pageS();
    this.anchorServer = serverS;
    this.anchorUtcMs = Date.parse(utc);
  }

  heard(serverS: number): void {
    const offset = serverS - this.pageS();
    if (this.offset === null || offset > this.offset) this.offset = offset;
  }

  /** Server seconds now, null before the first word from the service. */
  now(): number | null {
    return this.offset === null ? null : this.pageS() + this.offset;
  }

  /** Age of something the service received at `serverS`. */
  age(serverS: number | null): number | null {
    const now = this.now();
    return now === null || serverS === null ? null : Math.max(0, now - serverS);
  }

  /** Wall time of a server instant. */
  utc(serverS: number): Date {
    return new Date(this.anchorUtcMs + (serverS - this.anchorServer) * 1000);
  }
}
