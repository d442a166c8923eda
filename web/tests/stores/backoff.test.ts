import { expect, it } from 'vitest';
import { backoffMs } from '$/stores/backoff';

it('waits longer with each try, up to a limit', () => {
  expect([0, 1, 2, 3, 10, 1000].map((attempt) => backoffMs(attempt, 1))).toEqual([500, 1000, 2000, 4000, 20_000, 20_000]);
});

it('is scattered, never to nothing', () => {
  expect(backoffMs(3, 0)).toBe(2400);
});
