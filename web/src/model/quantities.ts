// What the page knows of the quantities that devices measure: label, icon, decimals, how to draw them. Unknown ones fall back to their own name.

import type { IconName } from '$/assets/icons';
import type { SensorType } from './sensor';

export type Locale = 'en' | 'fr';

export interface QuantitySpec {
  label: Record<Locale, string>;
  icon: IconName;
  decimals: number;
  /** Position in lists: the smaller, the earlier. */
  rank: number;
  /** The unit to show where the device tells none. */
  unit: string;
  /** A smaller range than this is drawn as this, so that noise does not look like a change. */
  spanMin: number;
  fromZero: boolean;
  /** Values of several sensors may be added up (power of outlets). */
  additive: boolean;
  /** The icon alone says what is measured; other quantities carry their name. */
  selfEvident: boolean;
}

type Known = Partial<Omit<QuantitySpec, 'label'>> & { en: string; fr: string; icon: IconName };

const SELF_EVIDENT_RANK_MAX = 7;

const KNOWN: Record<string, Known> = {
  temperature: { en: 'Temperature', fr: 'Température', icon: 'thermometer', decimals: 1, rank: 1, spanMin: 2 },
  co2: { en: 'CO₂', fr: 'CO₂', icon: 'breath', decimals: 0, rank: 2, unit: 'ppm', spanMin: 100 },
  humidity: { en: 'Humidity', fr: 'Humidité', icon: 'droplet', decimals: 0, rank: 3, spanMin: 10 },
  presence: { en: 'Presence', fr: 'Présence', icon: 'person', decimals: 0, rank: 4 },
  wattmeter: { en: 'Power', fr: 'Puissance', icon: 'bolt', decimals: 0, rank: 5, unit: 'W', spanMin: 10, fromZero: true, additive: true },
  power: { en: 'Power', fr: 'Puissance', icon: 'bolt', decimals: 0, rank: 5, spanMin: 10, fromZero: true, additive: true },
  luminosity: { en: 'Light', fr: 'Lumière', icon: 'sun', decimals: 0, rank: 6, spanMin: 50, fromZero: true },
  noise: { en: 'Noise', fr: 'Bruit', icon: 'sound', decimals: 0, rank: 7, spanMin: 5, fromZero: true },
  pm2_5: { en: 'Fine dust PM2.5', fr: 'Particules PM2,5', icon: 'particles', decimals: 1, rank: 8, unit: 'µg/m3', spanMin: 5, fromZero: true },
  pm10: { en: 'Dust PM10', fr: 'Particules PM10', icon: 'particles', decimals: 1, rank: 9, unit: 'µg/m3', spanMin: 5, fromZero: true },
  no2: { en: 'NO₂', fr: 'NO₂', icon: 'particles', decimals: 1, rank: 9, fromZero: true },
  co: { en: 'CO', fr: 'CO', icon: 'particles', decimals: 1, rank: 9, fromZero: true },
  airquality: { en: 'Air quality', fr: "Qualité de l'air", icon: 'breath', decimals: 1, rank: 9 },
  pressure: { en: 'Pressure', fr: 'Pression', icon: 'gauge', decimals: 1, rank: 10, spanMin: 4 },
  wind: { en: 'Wind', fr: 'Vent', icon: 'wind', decimals: 1, rank: 11, spanMin: 2, fromZero: true },
  wind_speed: { en: 'Wind', fr: 'Vent', icon: 'wind', decimals: 1, rank: 11, spanMin: 2, fromZero: true },
  wind_direction: { en: 'Wind direction', fr: 'Direction du vent', icon: 'compass', decimals: 0, rank: 12, unit: '°' },
  rain: { en: 'Rain', fr: 'Pluie', icon: 'rain', decimals: 1, rank: 13, spanMin: 1, fromZero: true },
  energy: { en: 'Energy', fr: 'Énergie', icon: 'bolt', decimals: 1, rank: 14 },
  voltage: { en: 'Voltage', fr: 'Tension', icon: 'bolt', decimals: 1, rank: 15, spanMin: 5 },
  current: { en: 'Current', fr: 'Courant', icon: 'bolt', decimals: 2, rank: 16, fromZero: true },
  battery: { en: 'Battery', fr: 'Batterie', icon: 'battery', decimals: 0, rank: 17 },
  open_close: { en: 'Opening', fr: 'Ouverture', icon: 'door', decimals: 0, rank: 18 },
  on_off: { en: 'Switch', fr: 'Interrupteur', icon: 'toggle', decimals: 0, rank: 19 },
  digital: { en: 'Digital input', fr: 'Entrée logique', icon: 'toggle', decimals: 0, rank: 20 },
  hydrogen: { en: 'Hydrogen', fr: 'Hydrogène', icon: 'flask', decimals: 1, rank: 21 },
  oxygen: { en: 'Oxygen', fr: 'Oxygène', icon: 'flask', decimals: 1, rank: 22 },
  wd40: { en: 'WD-40', fr: 'WD-40', icon: 'can', decimals: 1, rank: 23 },
  gaffer: { en: 'Gaffer tape', fr: 'Ruban gaffer', icon: 'tape', decimals: 1, rank: 24 },
  device: { en: 'Device', fr: 'Appareil', icon: 'chip', decimals: 0, rank: 60 },
};

// A name that is not known may still tell its family: outTemp_C, windSpeed_kph, hourRain_cm.
const FAMILIES: readonly [RegExp, Known][] = [
  [/hum/i, KNOWN.humidity!],
  [/wind_?dir/i, KNOWN.wind_direction!],
  [/wind|gust/i, KNOWN.wind!],
  [/rain/i, KNOWN.rain!],
  [/press|baro/i, KNOWN.pressure!],
  [/temp/i, KNOWN.temperature!],
  [/co2/i, KNOWN.co2!],
  [/(^|_)lux|lumin|light/i, KNOWN.luminosity!],
  [/watt|power/i, KNOWN.power!],
  [/volt/i, KNOWN.voltage!],
  [/batt/i, KNOWN.battery!],
];
const UNIT_SUFFIXES: readonly [RegExp, string][] = [
  [/_c$/i, 'celsius'],
  [/_mbar$/i, 'mbar'],
  [/_hpa$/i, 'hPa'],
  [/_kph$/i, 'km/h'],
  [/_cm$/i, 'cm'],
  [/_mm$/i, 'mm'],
  [/_w$/i, 'W'],
  [/humidity$/i, '%'],
];

/** `outTemp_C` reads `Out temp`: words apart, the unit suffix off. */
export function humanise(name: string): string {
  const bare = UNIT_SUFFIXES.reduce((text, [suffix]) => (text.length > 3 && suffix.source.startsWith('_') ? text.replace(suffix, '') : text), name);
  const words = bare.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/[_.-]+/g, ' ').trim();
  if (words === '') return name;
  return /^[A-Z0-9 ]+$/.test(words) ? words : words.charAt(0).toUpperCase() + words.slice(1).toLowerCase();
}

function complete(known: Known, label: Record<Locale, string>, unit: string): QuantitySpec {
  return {
    label,
    icon: known.icon,
    decimals: known.decimals ?? -1,
    rank: known.rank ?? 40,
    unit,
    spanMin: known.spanMin ?? 0,
    fromZero: known.fromZero ?? false,
    additive: known.additive ?? false,
    selfEvident: (known.rank ?? 40) <= SELF_EVIDENT_RANK_MAX,
  };
}

function specOf(quantity: string): QuantitySpec {
  const known = KNOWN[quantity.toLowerCase()];
  if (known) return complete(known, { en: known.en, fr: known.fr }, known.unit ?? '');
  const own = humanise(quantity);
  const label = { en: own, fr: own };
  const unit = UNIT_SUFFIXES.find(([suffix]) => suffix.test(quantity))?.[1] ?? '';
  const family = FAMILIES.find(([name]) => name.test(quantity))?.[1];
  // A family lends how it is drawn, not its place in front or its right to be added up.
  if (family) return { ...complete(family, label, unit || (family.unit ?? '')), rank: 30, additive: false, selfEvident: false };
  return complete({ en: own, fr: own, icon: 'signal' }, label, unit);
}

const specs = new Map<string, QuantitySpec>();

export function quantitySpec(quantity: string): QuantitySpec {
  let spec = specs.get(quantity);
  if (!spec) {
    spec = specOf(quantity);
    specs.set(quantity, spec);
  }
  return spec;
}

const UNITS: Record<string, string> = {
  celsius: '°C',
  c: '°C',
  '°c': '°C',
  fahrenheit: '°F',
  '%r.h.': '%',
  percent: '%',
  lux: 'lx',
  'µg/m3': 'µg/m³',
  'ug/m3': 'µg/m³',
  'w/m2': 'W/m²',
  deg: '°',
  degree: '°',
  degrees: '°',
  kph: 'km/h',
  hpa: 'hPa',
};

const FRENCH_UNITS: Record<string, string> = { pulses: 'impulsions' };

/** The unit as people write it; the device's own where it is not known. */
export function displayUnit(quantity: string, unit: string, locale: Locale): string {
  const told = unit === '' ? quantitySpec(quantity).unit : unit;
  const shown = UNITS[told.toLowerCase()] ?? told;
  return locale === 'fr' ? (FRENCH_UNITS[shown] ?? shown) : shown;
}

/**
 * The quantity a sensor is shown under. Some devices name only a family on their topic and the quantity in the payload:
 * `airquality` with subID `co2`, `digital` with the type `presence` as its unit.
 */
export function shownQuantity(sensor: { quantity: string; unit: string; tags: Record<string, string> }): string {
  const quantity = sensor.quantity.toLowerCase();
  if (quantity === 'airquality') {
    const part = (sensor.tags.subID ?? sensor.tags.subid ?? '').toLowerCase().replace('.', '_');
    return part in KNOWN ? part : sensor.quantity;
  }
  const unit = sensor.unit.toLowerCase();
  if (quantity === 'digital' && TWO_STATE.has(unit)) return unit;
  return sensor.quantity;
}

const TWO_STATE: ReadonlySet<string> = new Set(['presence', 'on_off', 'open_close']);

/** Two-state quantities are states even where the store keeps them as the numbers 0 and 1, beside all other readings of a campus. */
export function shownType(quantity: string, type: SensorType): SensorType {
  return TWO_STATE.has(quantity.toLowerCase()) && type !== 'string' ? 'boolean' : type;
}
