// Finds a text and fills it in. Pure; the chosen language comes from stores/preferences.

import type { Locale } from '$/model/quantities';
import { en, type TextKey } from './en';
import { fr } from './fr';

const dictionaries: Record<Locale, Record<TextKey, string>> = { en, fr };
const plurals: Record<Locale, Intl.PluralRules> = { en: new Intl.PluralRules('en'), fr: new Intl.PluralRules('fr') };

export type Fill = Record<string, string | number>;

type CountedKey = Extract<TextKey, `${string}.one`> extends `${infer Stem}.one` ? Stem : never;
export type { TextKey, CountedKey };

export function text(locale: Locale, key: TextKey, fill: Fill = {}): string {
  return dictionaries[locale][key].replace(/\{(\w+)\}/g, (whole, name: string) => (name in fill ? String(fill[name]) : whole));
}

export function countedText(locale: Locale, stem: CountedKey, count: number, fill: Fill = {}): string {
  const form = plurals[locale].select(count) === 'one' ? 'one' : 'other';
  return text(locale, `${stem}.${form}` as TextKey, { n: count, ...fill });
}

/** The language of the first of the browser's languages that there is a dictionary for. */
export function detectLocale(languages: readonly string[]): Locale {
  for (const language of languages) {
    const primary = language.toLowerCase().split('-')[0];
    if (primary === 'en' || primary === 'fr') return primary;
  }
  return 'en';
}
