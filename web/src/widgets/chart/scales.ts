// The span of a chart's value axis.

export interface ScaleWish {
  spanMin: number;
  fromZero: boolean;
  /** How many digital sensors stand above each other; 0 for numbers. */
  lanes: number;
}

const HEADROOM = 0.08;
const DECIMALS_MAX = 6;

export function valueRange(low: number | null, high: number | null, wish: ScaleWish): [number, number] {
  if (wish.lanes > 1) return [-0.15, wish.lanes];
  if (wish.lanes === 1) return [-0.08, 1.08];
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, Math.max(1, wish.spanMin)];
  let bottom = low;
  let top = high;
  // A steady value is drawn in the middle of a small span, not on the edge of an empty one.
  const span = Math.max(top - bottom, wish.spanMin, Math.abs(high) * 1e-6, 1e-9);
  const missing = span - (top - bottom);
  bottom -= missing / 2 + span * HEADROOM;
  top += missing / 2 + span * HEADROOM;
  if (wish.fromZero && low >= 0) return [0, Math.max(high * (1 + HEADROOM), wish.spanMin)];
  return low >= 0 && bottom < 0 ? [0, top - bottom] : [bottom, top];
}

/** Decimals that tell apart two ticks of an axis. */
export function tickDecimals(step: number): number {
  for (let decimals = 0; decimals < DECIMALS_MAX; decimals += 1) {
    const scaled = step * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * Math.abs(scaled)) return decimals;
  }
  return DECIMALS_MAX;
}
