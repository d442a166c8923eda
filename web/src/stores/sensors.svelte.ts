// All sensors and their newest readings. One cell per sensor, so that a new value redraws only what shows that sensor.
// Values that arrive between two frames are joined: a cell changes at most once a frame, however fast the messages come.

import { ask, isObject, type AskError } from './http';
import { clock } from './clock.svelte';
import { freshnessOf, type Freshness } from '$/model/freshness';
import { shownQuantity, shownType } from '$/model/quantities';
import { rollUp, type PlaceRollup } from '$/model/rollup';
import { booleanValue, type Reading, type SensorInfo, type SensorRecord } from '$/model/sensor';
import { buildTree, type PlaceNode } from '$/model/tree';
import type { ValueTriple } from './live.svelte';

export class SensorCell {
  readonly info: SensorInfo;
  reading: Reading = $state.raw({ value: null, timeMs: 0 });
  periodMs: number | null = $state.raw(null);
  /** The server has told the period; until it does, the distance of two readings stands in. */
  periodTold = false;

  constructor(record: SensorRecord) {
    const quantity = shownQuantity(record);
    this.info = { ...record, quantity, type: shownType(quantity, record.type) };
    this.take(record);
  }

  take(record: SensorRecord): void {
    if (record.period_ms !== null) {
      this.periodMs = record.period_ms;
      this.periodTold = true;
    }
    this.takeReading({ value: record.value, timeMs: record.time_ms });
  }

  takeReading(told: Reading): boolean {
    const reading = this.info.type === 'boolean' ? { ...told, value: booleanValue(told.value) } : told;
    const before = this.reading.timeMs;
    if (reading.timeMs < before) return false;
    if (reading.timeMs === before && reading.value === this.reading.value) return false;
    if (!this.periodTold && before > 0 && reading.timeMs > before) this.periodMs = reading.timeMs - before;
    this.reading = reading;
    return true;
  }
}

class RollupBox {
  value: PlaceRollup<SensorCell> | null = $state.raw(null);
}

export type Place = PlaceNode<SensorCell>;
export type BatchListener = (changed: ReadonlyMap<string, Reading[]>) => void;
type Schedule = (run: () => void) => void;

// A hidden page gets no frames: past this many readings of one sensor the oldest are left to the history.
const PENDING_PER_SENSOR_MAX = 64;

export class SensorStore {
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<AskError | null>(null);
  tree: Place = $state.raw(buildTree<SensorCell>([]));
  count = $state(0);

  #cells = new Map<string, SensorCell>();
  #rollups = new Map<string, RollupBox>([['', new RollupBox()]]);
  #pending = new Map<string, Reading[]>();
  #scheduled = false;
  #listeners = new Set<BatchListener>();
  #schedule: Schedule;

  constructor(schedule: Schedule = (run) => requestAnimationFrame(run)) {
    this.#schedule = schedule;
  }

  cell(id: string): SensorCell | undefined {
    return this.#cells.get(id);
  }

  rollup(path: string): PlaceRollup<SensorCell> | null {
    return this.#rollups.get(path)?.value ?? null;
  }

  /** Is called once a frame with every reading that came since the last. Returns how to stop. */
  onBatch(listener: BatchListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async load(): Promise<void> {
    const answer = await ask<{ time_ms: number; sensors: SensorRecord[] }>('/api/v1/sensors', (body) => isObject(body) && Array.isArray(body.sensors));
    if (!answer.ok) {
      // Sensors that are known stay: they are marked as not known by the connection's state.
      if (this.state !== 'ready') {
        this.state = 'failed';
        this.error = answer.error;
      }
      return;
    }
    if (answer.value.time_ms > 0) clock.set(answer.value.time_ms);
    this.take(answer.value.sensors);
    this.state = 'ready';
    this.error = null;
  }

  /** Takes sensors in the server's form: new ones join the tree, known ones are brought up to date. */
  take(records: readonly SensorRecord[]): void {
    let grown = false;
    for (const record of records) {
      const known = this.#cells.get(record.id);
      if (known && known.info.place === record.place && known.info.name === record.name) {
        known.take(record);
        continue;
      }
      this.#cells.set(record.id, new SensorCell(record));
      grown = true;
    }
    if (grown) {
      const tree = buildTree(this.#cells.values());
      this.#addBoxes(tree);
      this.tree = tree;
      this.count = this.#cells.size;
    }
  }

  queue(values: readonly ValueTriple[]): void {
    for (const [id, timeMs, value] of values) {
      const waiting = this.#pending.get(id);
      if (!waiting) this.#pending.set(id, [{ value, timeMs }]);
      else {
        waiting.push({ value, timeMs });
        if (waiting.length > PENDING_PER_SENSOR_MAX) waiting.shift();
      }
    }
    if (this.#scheduled || this.#pending.size === 0) return;
    this.#scheduled = true;
    this.#schedule(() => this.#flush());
  }

  /** Brings every place's roll-up up to date; called once a second. */
  rollUpAll(nowMs: number, connected: boolean): void {
    rollUp(this.tree, nowMs, connected, (path, rollup) => {
      this.#rollups.get(path)!.value = rollup;
    });
  }

  #flush(): void {
    this.#scheduled = false;
    const batch = this.#pending;
    this.#pending = new Map();
    for (const [id, readings] of batch) {
      const cell = this.#cells.get(id);
      if (cell) for (const reading of readings) cell.takeReading(reading);
    }
    for (const listener of this.#listeners) listener(batch);
  }

  /** Boxes are made here and not where they are first read: a state made while a view is drawn does not redraw that view. */
  #addBoxes(place: Place): void {
    if (!this.#rollups.has(place.path)) this.#rollups.set(place.path, new RollupBox());
    for (const child of place.children) this.#addBoxes(child);
  }
}

export function freshnessOfCell(cell: SensorCell, nowMs: number, connected: boolean): Freshness {
  return freshnessOf(cell.reading.timeMs, cell.periodMs, nowMs, connected);
}
