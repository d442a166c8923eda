// What a place says as a whole: per quantity the freshest value and the spread, and how many of its sensors are live, late or silent.

import { FRESHNESS_ORDER, freshnessOf, noCounts, type Freshness, type FreshnessCounts } from './freshness';
import { quantitySpec } from './quantities';
import { numericValue, type Reading } from './sensor';
import type { HasInfo, PlaceNode } from './tree';

export interface Measured extends HasInfo {
  readonly reading: Reading;
  readonly periodMs: number | null;
}

export interface QuantityRollup<S extends Measured> {
  readonly quantity: string;
  readonly unit: string;
  freshest: S;
  /** Sensors of the quantity, silent ones included. */
  count: number;
  /** Those with a number that is not silent: min, max and sum are theirs alone. */
  counted: number;
  min: number;
  max: number;
  sum: number;
}

export interface PlaceRollup<S extends Measured> {
  readonly total: number;
  readonly counts: FreshnessCounts;
  readonly quantities: QuantityRollup<S>[];
}

type Gathering<S extends Measured> = { counts: FreshnessCounts; quantities: Map<string, QuantityRollup<S>> };

function take<S extends Measured>(into: Gathering<S>, sensor: S, freshness: Freshness): void {
  into.counts[freshness] += 1;
  const { quantity, unit } = sensor.info;
  const key = `${quantity}\n${unit}`;
  let rollup = into.quantities.get(key);
  if (!rollup) {
    rollup = { quantity, unit, freshest: sensor, count: 0, counted: 0, min: Infinity, max: -Infinity, sum: 0 };
    into.quantities.set(key, rollup);
  }
  rollup.count += 1;
  if (sensor.reading.timeMs > rollup.freshest.reading.timeMs) rollup.freshest = sensor;
  const value = numericValue(sensor.reading.value);
  if (value === null || freshness === 'silent') return;
  rollup.counted += 1;
  rollup.min = Math.min(rollup.min, value);
  rollup.max = Math.max(rollup.max, value);
  rollup.sum += value;
}

function merge<S extends Measured>(into: Gathering<S>, from: Gathering<S>): void {
  for (const state of FRESHNESS_ORDER) into.counts[state] += from.counts[state];
  for (const [key, rollup] of from.quantities) {
    const known = into.quantities.get(key);
    if (!known) {
      into.quantities.set(key, { ...rollup });
      continue;
    }
    known.count += rollup.count;
    known.counted += rollup.counted;
    known.min = Math.min(known.min, rollup.min);
    known.max = Math.max(known.max, rollup.max);
    known.sum += rollup.sum;
    if (rollup.freshest.reading.timeMs > known.freshest.reading.timeMs) known.freshest = rollup.freshest;
  }
}

/** Rolls up the whole tree in one pass and hands over each place's result, children before parents. */
export function rollUp<S extends Measured>(
  root: PlaceNode<S>,
  nowMs: number,
  connected: boolean,
  deliver: (path: string, rollup: PlaceRollup<S>) => void,
): void {
  const visit = (node: PlaceNode<S>): Gathering<S> => {
    const gathered: Gathering<S> = { counts: noCounts(), quantities: new Map() };
    for (const sensor of node.sensors) take(gathered, sensor, freshnessOf(sensor.reading.timeMs, sensor.periodMs, nowMs, connected));
    for (const child of node.children) merge(gathered, visit(child));
    const quantities = [...gathered.quantities.values()].sort(
      (a, b) => quantitySpec(a.quantity).rank - quantitySpec(b.quantity).rank || a.quantity.localeCompare(b.quantity),
    );
    deliver(node.path, { total: node.sensorCount, counts: gathered.counts, quantities });
    return gathered;
  };
  visit(root);
}
