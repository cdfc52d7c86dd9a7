/**
 * One tab of one seat: who acts must not act twice from two pages with two drafts (Web Locks).
 *
 * `hold` gives the tab the seat, or tells that another one has it; `take` takes it over, and the other is told.
 */
export type Held = "held" | "elsewhere" | "taken";

export class Tab {
  #name: string;
  #tell: (held: Held) => void;
  #release: (() => void) | null = null;

  constructor(seat: string, tell: (held: Held) => void) {
    this.#name = `tongping/seat/${seat}`;
    this.#tell = tell;
  }

  hold(): void {
    void this.#ask({ ifAvailable: true });
  }

  take(): void {
    void this.#ask({ steal: true });
  }

  leave(): void {
    this.#release?.();
    this.#release = null;
  }

  async #ask(options: LockOptions): Promise<void> {
    try {
      await navigator.locks.request(this.#name, options, (lock) => {
        if (lock === null) {
          this.#tell("elsewhere");
          return undefined;
        }
        this.#tell("held");
        return new Promise<void>((resolve) => (this.#release = resolve));
      });
    } catch {
      // The lock was taken by another tab of this seat.
      this.#tell("taken");
    }
  }
}
