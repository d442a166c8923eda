import { describe, expect, it } from 'vitest';
import { freshnessOf, lateAfterMs, noCounts, silentAfterMs, worstOf } from '$/model/freshness';

const NOW_MS = 1_790_000_000_000;
const aged = (ageMs: number, periodMs: number | null, connected = true) => freshnessOf(NOW_MS - ageMs, periodMs, NOW_MS, connected);

describe('silence', () => {
  it('is three periods', () => {
    expect(aged(180_000, 60_000)).toBe('late');
    expect(aged(180_001, 60_000)).toBe('silent');
  });
  it('is never sooner than 30 s, however quick the sensor', () => {
    expect(silentAfterMs(1_000)).toBe(30_000);
    expect(aged(29_999, 1_000)).not.toBe('silent');
    expect(aged(30_001, 1_000)).toBe('silent');
  });
  it('assumes a minute while the period is not known', () => {
    expect(aged(60_000, null)).toBe('live');
    expect(aged(100_000, null)).toBe('late');
    expect(aged(181_000, null)).toBe('silent');
  });
});

describe('lateness', () => {
  it('begins one and a half periods after the last reading, at least 15 s', () => {
    expect(lateAfterMs(60_000)).toBe(90_000);
    expect(lateAfterMs(2_000)).toBe(15_000);
    expect(aged(90_000, 60_000)).toBe('live');
    expect(aged(90_001, 60_000)).toBe('late');
  });
});

describe('a connection that is lost', () => {
  it('makes every sensor unknown, the freshest too', () => {
    expect(aged(0, 10_000, false)).toBe('unknown');
    expect(aged(1e9, 10_000, false)).toBe('unknown');
  });
});

it('takes a reading from the future (a device clock that is ahead) as live', () => {
  expect(aged(-5_000, 10_000)).toBe('live');
});

it('lets what wants attention first stand for a place', () => {
  expect(worstOf({ ...noCounts(), live: 9, late: 1 })).toBe('late');
  expect(worstOf({ ...noCounts(), live: 9, late: 1, silent: 1 })).toBe('silent');
  expect(worstOf({ ...noCounts(), live: 9 })).toBe('live');
  expect(worstOf({ ...noCounts(), unknown: 9 })).toBe('unknown');
});
