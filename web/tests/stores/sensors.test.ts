import { describe, expect, it } from 'vitest';
import type { Reading } from '$/model/sensor';
import { SensorStore } from '$/stores/sensors.svelte';
import { sensorRecord } from '../model/sensor_record';

const T = 1_790_000_000_000;

/** A store whose frames come when the test says so. */
function storeWithFrames() {
  const frames: (() => void)[] = [];
  const store = new SensorStore((run) => void frames.push(run));
  return { store, frames, frame: () => frames.shift()!() };
}

describe('live values', () => {
  it('change a cell once a frame, to the newest', () => {
    const { store, frames, frame } = storeWithFrames();
    store.take([sensorRecord({ id: 'a', value: 1, time_ms: T })]);
    store.queue([['a', T + 1, 2]]);
    store.queue([['a', T + 2, 3]]);
    expect(frames).toHaveLength(1);
    expect(store.cell('a')!.reading.value).toBe(1);
    frame();
    expect(store.cell('a')!.reading).toEqual({ value: 3, timeMs: T + 2 });
  });
  it('that are older than what is shown change nothing', () => {
    const { store, frame } = storeWithFrames();
    store.take([sensorRecord({ id: 'a', value: 1, time_ms: T })]);
    store.queue([['a', T - 1, 9]]);
    frame();
    expect(store.cell('a')!.reading.value).toBe(1);
  });
  it('reach listeners in full, sensors that are not known yet too', () => {
    const { store, frame } = storeWithFrames();
    store.take([sensorRecord({ id: 'a', time_ms: T })]);
    let seen: ReadonlyMap<string, Reading[]> = new Map();
    const stop = store.onBatch((batch) => (seen = batch));
    store.queue([['a', T + 1, 2], ['a', T + 2, 3], ['b', T, 5]]);
    frame();
    expect(seen.get('a')).toEqual([{ timeMs: T + 1, value: 2 }, { timeMs: T + 2, value: 3 }]);
    expect(seen.get('b')).toHaveLength(1);
    stop();
    store.queue([['a', T + 3, 4]]);
    frame();
    expect(seen.get('a')).toHaveLength(2);
  });
  it('are bounded while a hidden page gets no frames', () => {
    const { store, frame } = storeWithFrames();
    let seen: ReadonlyMap<string, Reading[]> = new Map();
    store.onBatch((batch) => (seen = batch));
    for (let n = 0; n < 1000; n += 1) store.queue([['a', T + n, n]]);
    frame();
    expect(seen.get('a')).toHaveLength(64);
    expect(seen.get('a')!.at(-1)).toEqual({ timeMs: T + 999, value: 999 });
  });
});

describe('sensors that appear', () => {
  it('join the tree and have a roll-up', () => {
    const { store } = storeWithFrames();
    store.take([sensorRecord({ id: 'a', place: 'u4/302', time_ms: T })]);
    store.take([sensorRecord({ id: 'b', place: 'bu/1', time_ms: T })]);
    store.rollUpAll(T, true);
    expect(store.tree.children.map((place) => place.path)).toEqual(['bu', 'u4']);
    expect(store.rollup('bu/1')?.counts.live).toBe(1);
    expect(store.rollup('nowhere')).toBeNull();
    expect(store.count).toBe(2);
  });
  it('told again keep their cell and its newer reading', () => {
    const { store, frame } = storeWithFrames();
    store.take([sensorRecord({ id: 'a', value: 1, time_ms: T })]);
    const cell = store.cell('a');
    const tree = store.tree;
    store.queue([['a', T + 5, 2]]);
    frame();
    store.take([sensorRecord({ id: 'a', value: 1, time_ms: T, period_ms: 20_000 })]);
    expect(store.cell('a')).toBe(cell);
    expect(store.tree).toBe(tree);
    expect([cell!.reading.value, cell!.periodMs]).toEqual([2, 20_000]);
  });
  it('move when their place changes', () => {
    const { store } = storeWithFrames();
    store.take([sensorRecord({ id: 'a', place: 'u4/302' })]);
    store.take([sensorRecord({ id: 'a', place: 'u4/303' })]);
    expect(store.tree.children[0]!.children.map((place) => place.slug)).toEqual(['303']);
  });
});

describe('a period that is not told', () => {
  it('is taken from two readings until the server tells it', () => {
    const { store, frame } = storeWithFrames();
    store.take([sensorRecord({ id: 'a', period_ms: null, time_ms: T })]);
    expect(store.cell('a')!.periodMs).toBeNull();
    store.queue([['a', T + 12_000, 1]]);
    frame();
    expect(store.cell('a')!.periodMs).toBe(12_000);
    store.take([sensorRecord({ id: 'a', period_ms: 10_000, time_ms: T + 20_000 })]);
    store.queue([['a', T + 45_000, 1]]);
    frame();
    expect(store.cell('a')!.periodMs).toBe(10_000);
  });
});
