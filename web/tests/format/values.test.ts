import { describe, expect, it } from 'vitest';
import { rollupFigure } from '$/format/rollups';
import { formatBytes, formatNumber, formatRate, formatValue, withUnit } from '$/format/values';
import type { SensorRecord } from '$/model/sensor';
import { measured } from '../model/sensor_record';

/** Intl's spaces are of several kinds; a test means any. */
const plain = (text: string): string => text.replace(/[\u00a0\u2009\u202f]/g, ' ');
const shown = (...args: Parameters<typeof formatValue>): string => plain(withUnit(formatValue(...args)));

describe('formatValue', () => {
  it('writes known quantities with their decimals and units', () => {
    expect(shown(21.375, 'temperature', 'celsius', 'en')).toBe('21.4 °C');
    expect(shown(21.375, 'temperature', 'celsius', 'fr')).toBe('21,4 °C');
    expect(shown(1234, 'co2', 'ppm', 'en')).toBe('1,234 ppm');
    expect(shown(1234, 'co2', 'ppm', 'fr')).toBe('1 234 ppm');
    expect(shown(46, 'humidity', '%r.H.', 'en')).toBe('46 %');
  });
  it('writes digital values as words, by quantity or by the type in the unit', () => {
    expect(shown(true, 'presence', '', 'fr')).toBe('occupé');
    expect(shown(false, 'digital', 'open_close', 'en')).toBe('closed');
    expect(shown(true, 'flag', '', 'en')).toBe('yes');
  });
  it('leaves words alone and tells the absent', () => {
    expect(shown('running', 'device', '', 'en')).toBe('running');
    expect(shown(null, 'temperature', 'celsius', 'en')).toBe('–');
  });
  it('turns to kilowatts where watts get long', () => {
    expect(shown(12_345, 'wattmeter', 'W', 'en')).toBe('12.3 kW');
    expect(shown(9_999, 'wattmeter', 'W', 'en')).toBe('9,999 W');
  });
});

describe('formatNumber', () => {
  it('fits the decimals of the unknown to its size', () => {
    expect(formatNumber(0.12345, 'en')).toBe('0.1235');
    expect(formatNumber(3.14159, 'en')).toBe('3.14');
    expect(formatNumber(314.159, 'en')).toBe('314.2');
    expect(formatNumber(42, 'en')).toBe('42');
    expect(formatNumber(1.5e-7, 'en')).toBe('1.5E-7');
  });
  it('has no negative zero', () => {
    expect(formatNumber(-0.04, 'en', 1)).toBe('0.0');
    expect(formatNumber(-0.06, 'en', 1)).toBe('-0.1');
  });
  it('tells what is no number', () => {
    expect(formatNumber(NaN, 'en')).toBe('–');
  });
});

it('writes bytes', () => {
  expect(plain(formatBytes(0, 'en'))).toBe('0 bytes');
  expect(plain(formatBytes(1, 'en'))).toBe('1 byte');
  expect(plain(formatBytes(1_430_000_000, 'en'))).toBe('1.4 GB');
  expect(plain(formatBytes(91_300_000, 'fr'))).toBe('91,3 Mo');
  expect(formatBytes(NaN, 'en')).toBe('–');
});

it('writes rates', () => {
  expect(formatRate(0, 'en')).toBe('0');
  expect(formatRate(0.14, 'en')).toBe('0.1');
  expect(formatRate(4210, 'en')).toBe('4,210');
  expect(formatRate(1_234_567, 'en')).toBe('1,234,567');
});

describe('rollupFigure', () => {
  const rollup = (record: Partial<SensorRecord>, numbers: { counted: number; min: number; max: number; sum: number }) => {
    const freshest = measured(record);
    return { quantity: freshest.info.quantity, unit: freshest.info.unit, freshest, count: numbers.counted, ...numbers };
  };
  const three = { counted: 3, min: 19.84, max: 22.41, sum: 63 };
  it('is the value of one sensor and the spread of several', () => {
    expect(rollupFigure(rollup({ value: 21 }, { ...three, counted: 1 }), 'en', 'room')).toMatchObject({ kind: 'value', text: '21.0', unit: '°C' });
    expect(rollupFigure(rollup({ value: 21 }, three), 'en', 'building')).toMatchObject({ kind: 'range', text: '19.8\u2009–\u200922.4', unit: '°C' });
  });
  it('is one number where lowest and highest read the same', () => {
    expect(rollupFigure(rollup({ value: 21 }, { ...three, min: 21.01, max: 21.02 }), 'en', 'building').text).toBe('21.0');
  });
  it('adds up power', () => {
    expect(rollupFigure(rollup({ quantity: 'wattmeter', unit: 'W', value: 21 }, three), 'en', 'room')).toMatchObject({ kind: 'sum', text: '63', unit: 'W' });
  });
  it('counts the rooms in use, and says of a room whether any sensor sees someone', () => {
    const presence = { quantity: 'presence', unit: '', type: 'boolean', value: false } as const;
    const two = { counted: 5, min: 0, max: 1, sum: 2 };
    expect(rollupFigure(rollup(presence, two), 'en', 'building')).toMatchObject({ kind: 'count', text: '2 / 5', unit: 'occupied' });
    expect(rollupFigure(rollup(presence, two), 'en', 'room')).toMatchObject({ kind: 'value', text: 'occupied' });
  });
  it('shows the last value of a place that is silent', () => {
    expect(rollupFigure(rollup({ value: 21 }, { counted: 0, min: Infinity, max: -Infinity, sum: 0 }), 'en', 'building').text).toBe('21.0');
  });
});
