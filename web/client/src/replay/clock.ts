// One virtual clock for all rooms: `t` is session time in milliseconds since the epoch, as the log counts it.

export const RATES = [0.5, 1, 1.5, 2, 4] as const;

export class VirtualClock {
  private readonly now: () => number;
  private from: number;
  private since: number;
  private speed = 1;
  private moving = false;

  // `now` is a monotonic clock in milliseconds.
  constructor(now: () => number, t: number) {
    this.now = now;
    this.from = t;
    this.since = now();
  }

  get t(): number {
    return this.moving ? this.from + (this.now() - this.since) * this.speed : this.from;
  }

  get rate(): number {
    return this.speed;
  }

  get running(): boolean {
    return this.moving;
  }

  start(): void {
    this.anchor(this.t);
    this.moving = true;
  }

  stop(): void {
    this.anchor(this.t);
    this.moving = false;
  }

  seek(t: number): void {
    this.anchor(t);
  }

  set rate(rate: number) {
    this.anchor(this.t);
    this.speed = rate;
  }

  private anchor(t: number): void {
    this.from = t;
    this.since = this.now();
  }
}
