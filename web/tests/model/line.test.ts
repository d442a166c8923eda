import { describe, expect, it } from 'vitest';
import { appendReading, emptyLine, extentOf, gapAfterMs, hasSpread, joinLines, lineFromHistory, trimBefore, valueAt } from '$/model/line';

const history = (times: number[], mean: (number | null)[], window_ms = 10) => ({ id: 'a', window_ms, times_ms: times, mean, min: mean, max: mean });

describe('lineFromHistory', () => {
  it('leaves out windows that hold no number', () => {
    const line = lineFromHistory(history([0, 10, 20], [1, null, 3]));
    expect(line.times).toEqual([0, 20]);
    expect(line.mean).toEqual([1, 3]);
  });
});

describe('appendReading', () => {
  it('joins readings of one window and keeps their spread', () => {
    const line = lineFromHistory(history([0], [4]));
    expect(appendReading(line, 3, 8)).toBe(true);
    expect(appendReading(line, 6, 0)).toBe(true);
    expect(line.times).toEqual([0]);
    expect([line.mean[0], line.min[0], line.max[0]]).toEqual([4, 0, 8]);
    expect(hasSpread(line)).toBe(true);
  });
  it('begins windows on the raster of the server', () => {
    const line = lineFromHistory(history([5], [1]));
    appendReading(line, 27, 2);
    expect(line.times).toEqual([5, 25]);
  });
  it('ignores what is old or told twice', () => {
    const line = lineFromHistory(history([0, 10], [1, 2]));
    expect(appendReading(line, 9, 5)).toBe(false);
    expect(appendReading(line, 12, 5)).toBe(true);
    expect(appendReading(line, 12, 7)).toBe(false);
    expect(line.times).toEqual([0, 10]);
  });
  it('begins a line that has no history', () => {
    const line = emptyLine(1000);
    appendReading(line, 1234, 5);
    expect([line.times, line.mean]).toEqual([[1234], [5]]);
  });
});

it('trims what has left the range', () => {
  const line = lineFromHistory(history([0, 10, 20], [1, 2, 3]));
  trimBefore(line, 10);
  expect([line.times, line.mean, line.min, line.max]).toEqual([[10, 20], [2, 3], [2, 3], [2, 3]]);
});

describe('joinLines', () => {
  it('puts two lines on one axis, absent points left open', () => {
    const joined = joinLines([lineFromHistory(history([0, 2000], [1, 2])), lineFromHistory(history([1000], [9]))], [1e6, 1e6]);
    expect(joined.times).toEqual([0, 1, 2]);
    expect(joined.columns[0]!.mean).toEqual([1, undefined, 2]);
    expect(joined.columns[1]!.mean).toEqual([undefined, 9, undefined]);
  });
  it('breaks a line where the sensor was silent', () => {
    const joined = joinLines([lineFromHistory(history([0, 1000, 90_000], [1, 2, 3]))], [30_000]);
    expect(joined.columns[0]!.mean).toEqual([1, 2, null, 3]);
  });
  it('is empty for lines without points', () => {
    expect(joinLines([emptyLine(1)], [1]).times).toEqual([]);
  });
});

describe('gapAfterMs', () => {
  it('is three periods or windows, at least 30 s', () => {
    expect(gapAfterMs(emptyLine(1_000), 60_000)).toBe(180_000);
    expect(gapAfterMs(emptyLine(600_000), 10_000)).toBe(1_800_000);
    expect(gapAfterMs(emptyLine(1_000), null)).toBe(30_000);
  });
});

describe('valueAt', () => {
  const line = lineFromHistory(history([10, 20, 100], [1, 2, 3]));
  it('is the newest at or before the moment', () => {
    expect(valueAt(line, 19, 30)?.mean).toBe(1);
    expect(valueAt(line, 20, 30)?.mean).toBe(2);
  });
  it('is nothing before the line and inside a gap', () => {
    expect(valueAt(line, 9, 30)).toBeNull();
    expect(valueAt(line, 80, 30)).toBeNull();
  });
});

it('tells the extent', () => {
  expect(extentOf(lineFromHistory(history([0, 10], [5, 2])))).toEqual({ min: 2, max: 5, last: 2 });
  expect(extentOf(emptyLine(1))).toBeNull();
});
