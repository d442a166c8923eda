// Values as people read them, in the language's own way of writing numbers.

import { displayUnit, quantitySpec, type Locale } from '$/model/quantities';
import type { SensorValue } from '$/model/sensor';

const formats = new Map<string, Intl.NumberFormat>();

function numberFormat(locale: Locale, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${locale}${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locale === 'en' ? 'en-GB' : 'fr-FR', options);
    formats.set(key, format);
  }
  return format;
}

export const ABSENT = '–';

/** A number with a given count of decimals; with -1 as many as its size makes sensible. */
export function formatNumber(value: number, locale: Locale, decimals = -1): string {
  if (!Number.isFinite(value)) return ABSENT;
  if (decimals >= 0) {
    const text = numberFormat(locale, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(value);
    return /^[-−]0([.,]0*)?$/.test(text) ? text.slice(1) : text;
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return numberFormat(locale, { notation: 'scientific', maximumSignificantDigits: 3 }).format(value);
  const digits = Number.isInteger(value) ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4;
  return numberFormat(locale, { maximumFractionDigits: digits }).format(value);
}

export interface FormattedValue {
  text: string;
  unit: string;
}

const BOOLEAN_WORDS: Record<string, Record<Locale, [string, string]>> = {
  presence: { en: ['nobody', 'occupied'], fr: ['personne', 'occupé'] },
  open_close: { en: ['closed', 'open'], fr: ['fermé', 'ouvert'] },
  on_off: { en: ['off', 'on'], fr: ['arrêt', 'marche'] },
};
const PLAIN_BOOLEAN: Record<Locale, [string, string]> = { en: ['no', 'yes'], fr: ['non', 'oui'] };

/** The words that a digital sensor's value reads as; its `unit` often tells which (presence, on_off, open_close). */
export function booleanWord(value: boolean, quantity: string, unit: string, locale: Locale): string {
  const words = BOOLEAN_WORDS[quantity.toLowerCase()] ?? BOOLEAN_WORDS[unit.toLowerCase()];
  return (words?.[locale] ?? PLAIN_BOOLEAN[locale])[value ? 1 : 0];
}

export function formatValue(value: SensorValue, quantity: string, unit: string, locale: Locale): FormattedValue {
  if (value === null) return { text: ABSENT, unit: '' };
  if (typeof value === 'boolean') return { text: booleanWord(value, quantity, unit, locale), unit: '' };
  if (typeof value === 'string') return { text: value, unit: '' };
  const shown = displayUnit(quantity, unit, locale);
  if (shown === 'W' && Math.abs(value) >= 10_000) return { text: formatNumber(value / 1000, locale, 1), unit: 'kW' };
  return { text: formatNumber(value, locale, quantitySpec(quantity).decimals), unit: shown };
}

/** Value and unit on one line, a narrow no-break space between them. */
export function withUnit(formatted: FormattedValue): string {
  return formatted.unit === '' ? formatted.text : `${formatted.text}\u202f${formatted.unit}`;
}

const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

export function formatBytes(bytes: number, locale: Locale): string {
  if (!Number.isFinite(bytes) || bytes < 0) return ABSENT;
  const step = bytes < 1 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const scaled = bytes / 1000 ** step;
  return numberFormat(locale, {
    style: 'unit',
    unit: BYTE_UNITS[step]!,
    unitDisplay: step === 0 ? 'long' : 'short',
    maximumFractionDigits: step === 0 || scaled >= 100 ? 0 : 1,
  }).format(scaled);
}

/** Rates: a decimal while they are small, so that 0.1/s and 4,200/s both read well. */
export function formatRate(rate: number, locale: Locale): string {
  if (!Number.isFinite(rate)) return ABSENT;
  return formatNumber(rate, locale, rate === 0 || rate >= 100 ? 0 : 1);
}
