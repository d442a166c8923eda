import { describe, expect, it } from 'vitest';
import { comfortOf } from '$/model/comfort';
import { displayUnit, humanise, quantitySpec, shownQuantity, shownType } from '$/model/quantities';

describe('quantitySpec', () => {
  it('knows the field’s quantities, whatever their case', () => {
    expect(quantitySpec('temperature')).toMatchObject({ icon: 'thermometer', decimals: 1, label: { fr: 'Température' } });
    expect(quantitySpec('CO2').label.en).toBe('CO₂');
    for (const name of ['hydrogen', 'oxygen', 'wd40', 'gaffer', 'wattmeter', 'pm2_5', 'presence']) expect(quantitySpec(name).icon).not.toBe('signal');
  });
  it('falls back to the name', () => {
    expect(quantitySpec('flux_capacitance')).toMatchObject({ icon: 'signal', decimals: -1, label: { en: 'Flux capacitance', fr: 'Flux capacitance' } });
  });
  it('knows the family of a weather station’s fields', () => {
    expect(quantitySpec('outTemp_C')).toMatchObject({ icon: 'thermometer', unit: 'celsius', label: { en: 'Out temp', fr: 'Out temp' } });
    expect(quantitySpec('windSpeed_kph')).toMatchObject({ icon: 'wind', unit: 'km/h' });
    expect(quantitySpec('outHumidity')).toMatchObject({ icon: 'droplet', unit: '%' });
  });
  it('adds up power, and no lookalike of it', () => {
    expect(quantitySpec('wattmeter').additive).toBe(true);
    expect(quantitySpec('powerfactor').additive).toBe(false);
  });
});

it('shows a quantity that only the payload tells', () => {
  expect(shownQuantity({ quantity: 'airquality', unit: 'ppm', tags: { subID: 'CO2' } })).toBe('co2');
  expect(shownQuantity({ quantity: 'airquality', unit: 'µg/m3', tags: { subID: 'pm2.5' } })).toBe('pm2_5');
  expect(shownQuantity({ quantity: 'airquality', unit: '', tags: { subID: 'x' } })).toBe('airquality');
  expect(shownQuantity({ quantity: 'digital', unit: 'presence', tags: {} })).toBe('presence');
  expect(shownQuantity({ quantity: 'digital', unit: '', tags: {} })).toBe('digital');
});

it('writes units as people do', () => {
  expect(displayUnit('temperature', 'celsius', 'en')).toBe('°C');
  expect(displayUnit('humidity', '%r.H.', 'en')).toBe('%');
  expect(displayUnit('pm10', 'µg/m3', 'en')).toBe('µg/m³');
  expect(displayUnit('co2', '', 'en')).toBe('ppm');
  expect(displayUnit('noise', 'pulses', 'fr')).toBe('impulsions');
  expect(displayUnit('x', 'furlong', 'en')).toBe('furlong');
});

it('makes words of names', () => {
  expect(humanise('hourRain_cm')).toBe('Hour rain');
  expect(humanise('NO2')).toBe('NO2');
  expect(humanise('_')).toBe('_');
});

it('judges CO2 alone, and only in ppm', () => {
  expect(comfortOf('co2', 'ppm', 799)).toBe('good');
  expect(comfortOf('co2', 'ppm', 800)).toBe('stuffy');
  expect(comfortOf('CO2', '', 1500)).toBe('poor');
  expect(comfortOf('co2', '%', 1500)).toBeNull();
  expect(comfortOf('co2', 'ppm', null)).toBeNull();
  expect(comfortOf('temperature', 'celsius', 45)).toBeNull();
});

it('presence is a state even where the store keeps it as a number', () => {
  expect(shownType('presence', 'float')).toBe('boolean');
  expect(shownType('temperature', 'float')).toBe('float');
  expect(shownType('open_close', 'string')).toBe('string');
});
