import { describe, expect, it } from 'vitest';
import { en, type TextKey } from '$/i18n/en';
import { fr } from '$/i18n/fr';
import { countedText, detectLocale, text } from '$/i18n/text';

describe('the dictionaries', () => {
  const holes = (value: string): string[] => [...value.matchAll(/\{\w+\}/g)].map(String).sort();
  it('have the same keys and the same places to fill in', () => {
    expect(Object.keys(fr).sort()).toEqual(Object.keys(en).sort());
    for (const key of Object.keys(en) as TextKey[]) expect(holes(fr[key]), key).toEqual(holes(en[key]));
  });
  it('have a form for many wherever there is one for one', () => {
    for (const key of Object.keys(en)) if (key.endsWith('.one')) expect(en).toHaveProperty([key.replace(/one$/, 'other')]);
  });
});

it('fills in', () => {
  expect(text('en', 'freshness.ago', { age: '3s' })).toBe('3s ago');
  expect(text('en', 'freshness.ago')).toBe('{age} ago');
});

it('counts as the language does: French says one of zero', () => {
  expect(countedText('en', 'sensors', 0)).toBe('0 sensors');
  expect(countedText('fr', 'sensors', 0)).toBe('0 capteur');
  expect(countedText('fr', 'sensors', 2)).toBe('2 capteurs');
});

it('takes the first language that there is', () => {
  expect(detectLocale(['de-DE', 'fr-CA', 'en'])).toBe('fr');
  expect(detectLocale(['de'])).toBe('en');
  expect(detectLocale([])).toBe('en');
});
