// The server's clock, ticking once a second, so that ages and freshness do not depend on the viewer's clock.

class ServerClock {
  #offsetMs = 0;
  nowMs = $state(Date.now());

  constructor() {
    if (typeof document !== 'undefined') setInterval(() => this.tick(), 1000);
  }

  /** Takes the server's time as of just now. */
  set(serverMs: number): void {
    const offsetMs = serverMs - Date.now();
    const jumped = Math.abs(offsetMs - this.#offsetMs) > 5_000;
    this.#offsetMs = offsetMs;
    if (jumped) this.tick();
  }

  /** The time at this very moment; reading it does not make a view depend on the tick. */
  read(): number {
    return Date.now() + this.#offsetMs;
  }

  tick(): void {
    this.nowMs = this.read();
  }
}

export const clock = new ServerClock();
