import { describe, expect, it } from 'vitest';
import { rollUp, type PlaceRollup } from '$/model/rollup';
import { buildTree } from '$/model/tree';
import { measured } from './sensor_record';

const NOW_MS = 1_790_000_000_000;
type Sensor = ReturnType<typeof measured>;

function rollups(sensors: Sensor[], connected = true): Map<string, PlaceRollup<Sensor>> {
  const found = new Map<string, PlaceRollup<Sensor>>();
  rollUp(buildTree(sensors), NOW_MS, connected, (path, rollup) => found.set(path, rollup));
  return found;
}

describe('rollUp', () => {
  const sensors = [
    measured({ id: 'a', place: 'u4/1', value: 20, time_ms: NOW_MS - 9_000 }),
    measured({ id: 'b', place: 'u4/2', value: 23, time_ms: NOW_MS - 1_000 }),
    measured({ id: 'c', place: 'u4/2', value: 99, time_ms: NOW_MS - 600_000 }),
    measured({ id: 'd', place: 'u4/2', value: true, type: 'boolean', quantity: 'presence', unit: '', time_ms: NOW_MS }),
  ];
  const found = rollups(sensors);

  it('counts what is silent, in the room and in the building', () => {
    expect(found.get('u4/2')?.counts).toEqual({ live: 2, late: 0, silent: 1, unknown: 0 });
    expect(found.get('u4')?.counts).toEqual({ live: 3, late: 0, silent: 1, unknown: 0 });
    expect(found.get('')?.total).toBe(4);
  });
  it('takes the freshest value of each quantity', () => {
    const [temperature, presence] = found.get('u4')!.quantities;
    expect(temperature?.freshest.info.id).toBe('b');
    expect(presence?.freshest.info.id).toBe('d');
  });
  it('leaves silent values out of lowest, highest and sum', () => {
    const temperature = found.get('u4')!.quantities[0]!;
    expect([temperature.min, temperature.max, temperature.sum, temperature.counted, temperature.count]).toEqual([20, 23, 43, 2, 3]);
  });
  it('does not change a child’s figures when the parent adds up', () => {
    expect(found.get('u4/1')!.quantities[0]!.max).toBe(20);
  });
  it('keeps units apart', () => {
    const mixed = rollups([measured({ id: 'a', unit: 'celsius' }), measured({ id: 'b', unit: 'fahrenheit' })]);
    expect(mixed.get('u4/302')!.quantities).toHaveLength(2);
  });
  it('says not known of everything while there is no connection', () => {
    expect(rollups(sensors, false).get('')?.counts).toEqual({ live: 0, late: 0, silent: 0, unknown: 4 });
  });
  it('has figures for words without numbers', () => {
    const words = rollups([measured({ type: 'string', value: 'running' })]).get('')!.quantities[0]!;
    expect([words.count, words.counted]).toEqual([1, 0]);
  });
});
