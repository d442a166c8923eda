// How much a value may be trusted to be of now (docs/api.md, Sensors: a sensor is silent when nothing came for three periods, at least 30 s).

/** `unknown` is every sensor's state while the page has no connection: an old value is never shown as a fresh one. */
export type Freshness = 'live' | 'late' | 'silent' | 'unknown';

export const FRESHNESS_ORDER: readonly Freshness[] = ['live', 'late', 'silent', 'unknown'];

const SILENT_PERIODS = 3;
const SILENT_MIN_MS = 30_000;
const LATE_PERIODS = 1.5;
const LATE_MIN_MS = 15_000;
// A sensor that has spoken once has no period yet; a minute is the usual one in the field.
const ASSUMED_PERIOD_MS = 60_000;

export function silentAfterMs(periodMs: number | null): number {
  return Math.max(SILENT_PERIODS * (periodMs ?? ASSUMED_PERIOD_MS), SILENT_MIN_MS);
}

export function lateAfterMs(periodMs: number | null): number {
  return Math.max(LATE_PERIODS * (periodMs ?? ASSUMED_PERIOD_MS), LATE_MIN_MS);
}

export function freshnessOf(timeMs: number, periodMs: number | null, nowMs: number, connected: boolean): Freshness {
  if (!connected) return 'unknown';
  const ageMs = nowMs - timeMs;
  if (ageMs > silentAfterMs(periodMs)) return 'silent';
  return ageMs > lateAfterMs(periodMs) ? 'late' : 'live';
}

export type FreshnessCounts = Record<Freshness, number>;

export function noCounts(): FreshnessCounts {
  return { live: 0, late: 0, silent: 0, unknown: 0 };
}

/** The one state that stands for a place: what wants attention first. */
export function worstOf(counts: FreshnessCounts): Freshness {
  if (counts.unknown > 0) return 'unknown';
  if (counts.silent > 0) return 'silent';
  return counts.late > 0 ? 'late' : 'live';
}
