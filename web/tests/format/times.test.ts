import { expect, it } from 'vitest';
import { formatDuration, formatTick, formatUptime, formatWhen } from '$/format/times';

const plain = (text: string): string => text.replace(/[\u00a0\u2009\u202f]/g, ' ');

it('writes ages in their largest unit', () => {
  expect(formatDuration(0, 'en')).toBe('0s');
  expect(formatDuration(59_999, 'en')).toBe('59s');
  expect(formatDuration(61_000, 'en')).toBe('1m');
  expect(formatDuration(7_200_000, 'en')).toBe('2h');
  expect(formatDuration(3 * 86_400_000, 'en')).toBe('3d');
  expect(plain(formatDuration(120_000, 'fr', 'long'))).toBe('2 minutes');
});

it('has no negative age for a clock that is ahead', () => {
  expect(formatDuration(-5_000, 'en')).toBe('0s');
});

it('writes what lasts in two units', () => {
  expect(formatUptime(2 * 3_600_000 + 3 * 60_000 + 4_000, 'en')).toBe('2h 3m');
  expect(formatUptime(4_000, 'en')).toBe('4s');
});

it('leaves out the day for today', () => {
  const now = new Date(2026, 5, 5, 15, 30, 10).getTime();
  expect(formatWhen(now, now, 'en')).toBe('15:30:10');
  expect(formatWhen(now - 86_400_000, now, 'en')).toMatch(/4 Jun/);
});

it('names the day at midnight on an axis of hours', () => {
  expect(formatTick(new Date(2026, 5, 5, 0, 0).getTime(), 3_600_000, 'en')).toMatch(/5/);
  expect(formatTick(new Date(2026, 5, 5, 6, 0).getTime(), 3_600_000, 'en')).toBe('06:00');
  expect(formatTick(new Date(2026, 5, 5, 6, 0, 20).getTime(), 10_000, 'en')).toBe('06:00:20');
});
