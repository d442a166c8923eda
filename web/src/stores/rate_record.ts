// The last minutes of the ingest rate, as the status messages tell it, in a ring of fixed size.

export interface RateSample {
  timeMs: number;
  messages: number;
  points: number;
  rejected: number;
}

export const RATE_SAMPLES_MAX = 900;

export class RateRecord {
  #samples: RateSample[] = [];

  get samples(): readonly RateSample[] {
    return this.#samples;
  }

  /** Takes a sample; one from before the last (the server's clock was set back) starts the record anew. */
  add(sample: RateSample): void {
    const last = this.#samples[this.#samples.length - 1];
    if (last && sample.timeMs === last.timeMs) return;
    if (last && sample.timeMs < last.timeMs) this.#samples = [];
    this.#samples.push(sample);
    if (this.#samples.length > RATE_SAMPLES_MAX) this.#samples.shift();
  }
}
