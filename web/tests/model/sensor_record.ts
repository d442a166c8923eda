import type { SensorRecord } from '$/model/sensor';

/** A sensor as the server tells it, with what a test cares about set. */
export function sensorRecord(changes: Partial<SensorRecord> = {}): SensorRecord {
  return {
    id: '1.value',
    place: 'u4/302',
    name: 'auto_92f8/24',
    quantity: 'temperature',
    unit: 'celsius',
    type: 'float',
    value: 21.375,
    time_ms: 1_790_000_000_000,
    period_ms: 10_000,
    measurement: 'data',
    field: 'value',
    tags: {},
    ...changes,
  };
}

export function measured(changes: Partial<SensorRecord> = {}) {
  const record = sensorRecord(changes);
  return { info: record, reading: { value: record.value, timeMs: record.time_ms }, periodMs: record.period_ms };
}
