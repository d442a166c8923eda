// What the server tells about a sensor (docs/api.md, Sensors). Field names are the wire's own.

export type SensorValue = number | boolean | string | null;
export type SensorType = 'float' | 'integer' | 'unsigned' | 'boolean' | 'string';

export interface SensorInfo {
  id: string;
  place: string;
  name: string;
  quantity: string;
  unit: string;
  type: SensorType;
  measurement: string;
  field: string;
  tags: Record<string, string>;
}

export interface SensorRecord extends SensorInfo {
  value: SensorValue;
  time_ms: number;
  period_ms: number | null;
}

export interface Reading {
  value: SensorValue;
  timeMs: number;
}

/** The number that charts and ranges use; booleans count as 0 and 1, strings have none. */
export function numericValue(value: SensorValue): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return null;
}

/** The state that a value of a two-state sensor stands for: devices also say 0 and 1. */
export function booleanValue(value: SensorValue): SensorValue {
  return typeof value === 'number' ? value !== 0 : value;
}
