// The spans of time that a chart can show.

export const RANGES = ['15m', '1h', '6h', '24h', '7d'] as const;
export type RangeName = (typeof RANGES)[number];
export const DEFAULT_RANGE: RangeName = '15m';

const MINUTE_MS = 60_000;
export const RANGE_MS: Record<RangeName, number> = {
  '15m': 15 * MINUTE_MS,
  '1h': 60 * MINUTE_MS,
  '6h': 6 * 60 * MINUTE_MS,
  '24h': 24 * 60 * MINUTE_MS,
  '7d': 7 * 24 * 60 * MINUTE_MS,
};

export function rangeNamed(name: string | null): RangeName {
  return RANGES.find((range) => range === name) ?? DEFAULT_RANGE;
}
