// Rates of things that the server only counts: the difference of two looks, by name.

const KEPT_LOOKS = 2;

export class CounterRates {
  #now = new Map<string, { count: number; timeMs: number; rate: number | null; look: number }>();
  #look = 0;

  /** Begins a look; names that the last two did not mention are forgotten. */
  begin(): void {
    this.#look += 1;
    for (const [name, { look }] of this.#now) if (look <= this.#look - 1 - KEPT_LOOKS) this.#now.delete(name);
  }

  note(name: string, count: number, timeMs: number): void {
    const before = this.#now.get(name);
    // A count that went back began anew: the client reconnected, or the server did not look meanwhile.
    const grown = before !== undefined && count >= before.count && timeMs > before.timeMs;
    const rate = grown ? ((count - before.count) * 1000) / (timeMs - before.timeMs) : null;
    this.#now.set(name, { count, timeMs, rate, look: this.#look });
  }

  /** Per second; null until there were two looks. */
  of(name: string): number | null {
    return this.#now.get(name)?.rate ?? null;
  }
}
