import { describe, expect, it } from 'vitest';
import { addChange, CHANGES_MAX, type Change } from '$/views/place/changes';
import { groupByQuantity } from '$/views/place/groups';
import { measured } from '../model/sensor_record';

describe('groupByQuantity', () => {
  it('makes a chart of each quantity and unit, rooms in order', () => {
    const groups = groupByQuantity([
      measured({ id: '1', quantity: 'noise', unit: 'pulses' }),
      measured({ id: '2', place: 'u4/10' }),
      measured({ id: '3', place: 'u4/9' }),
      measured({ id: '4', unit: 'fahrenheit' }),
      measured({ id: '5', quantity: 'device', unit: '', type: 'string', value: 'running' }),
    ]);
    expect(groups.map(({ quantity, kind, anchor }) => [quantity, kind, anchor])).toEqual([
      ['temperature', 'number', 'temperature'],
      ['temperature', 'number', 'temperature-fahrenheit'],
      ['noise', 'number', 'noise'],
      ['device', 'string', 'device'],
    ]);
    expect(groups[0]!.sensors.map(({ info }) => info.id)).toEqual(['3', '2']);
  });
  it('has an anchor for a name without letters', () => {
    expect(groupByQuantity([measured({ quantity: '%%' })])[0]!.anchor).toBe('quantity');
  });
});

describe('addChange', () => {
  const change = (timeMs: number, text: string, id = 'a'): Change => ({ id, name: id, timeMs, text });
  const log = (...changes: Change[]) => changes.reduce<Change[]>(addChange, []).map(({ timeMs, text }) => `${timeMs} ${text}`);
  it('keeps changes alone, the newest first', () => {
    expect(log(change(1, 'x'), change(2, 'x'), change(3, 'y'), change(4, 'x'))).toEqual(['4 x', '3 y', '1 x']);
  });
  it('keeps sensors apart', () => {
    expect(log(change(1, 'x'), change(2, 'x', 'b'))).toEqual(['2 x', '1 x']);
  });
  it('is bounded', () => {
    expect(log(...Array.from({ length: 100 }, (_, n) => change(n, String(n))))).toHaveLength(CHANGES_MAX);
  });
});
