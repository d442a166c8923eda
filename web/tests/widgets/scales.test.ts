import { describe, expect, it } from 'vitest';
import { tickDecimals, valueRange } from '$/widgets/chart/scales';

const wish = { spanMin: 2, fromZero: false, lanes: 0 };

describe('valueRange', () => {
  it('draws a steady value in the middle of a small span', () => {
    const [low, high] = valueRange(21, 21, wish);
    expect((low + high) / 2).toBeCloseTo(21);
    expect(high - low).toBeGreaterThanOrEqual(2);
  });
  it('leaves room above and below', () => {
    const [low, high] = valueRange(10, 30, wish);
    expect(low).toBeLessThan(10);
    expect(high).toBeGreaterThan(30);
  });
  it('does not go below zero for what is never negative', () => {
    expect(valueRange(0, 100, wish)[0]).toBe(0);
    expect(valueRange(-5, 5, wish)[0]).toBeLessThan(-5);
  });
  it('begins at zero where asked', () => {
    expect(valueRange(90, 100, { ...wish, fromZero: true })).toEqual([0, 108]);
  });
  it('is something without data', () => {
    expect(valueRange(null, null, wish)).toEqual([0, 2]);
  });
  it('has a lane for each digital sensor', () => {
    expect(valueRange(0, 1, { ...wish, lanes: 1 })[1]).toBeGreaterThan(1);
    expect(valueRange(0, 1, { ...wish, lanes: 5 })[1]).toBe(5);
  });
});

it('writes as many decimals as tell ticks apart', () => {
  expect([100, 1, 2.5, 0.5, 0.25, 0.1, 1e-9].map(tickDecimals)).toEqual([0, 0, 1, 1, 2, 1, 6]);
});
