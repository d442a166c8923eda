// What this viewer prefers: language and colours, kept in the browser. Where it cannot be kept it lasts as long as the page.

import { countedText, detectLocale, text, type CountedKey, type Fill, type TextKey } from '$/i18n/text';
import type { Locale } from '$/model/quantities';

export type Theme = 'auto' | 'light' | 'dark';
const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];

function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage is refused in some private windows; the choice then lasts as long as the page.
  }
}

class Preferences {
  locale = $state<Locale>('en');
  theme = $state<Theme>('auto');
  systemDark = $state(false);
  dark = $derived(this.theme === 'dark' || (this.theme === 'auto' && this.systemDark));

  start(): void {
    const locale = remembered('campanile.language');
    this.locale = locale === 'en' || locale === 'fr' ? locale : detectLocale(navigator.languages);
    this.theme = THEMES.find((theme) => theme === remembered('campanile.theme')) ?? 'auto';
    const query = matchMedia('(prefers-color-scheme: dark)');
    this.systemDark = query.matches;
    query.addEventListener('change', (event) => {
      this.systemDark = event.matches;
    });
    this.#show();
  }

  get nextTheme(): Theme {
    return THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length]!;
  }

  changeTheme(): void {
    this.theme = this.nextTheme;
    remember('campanile.theme', this.theme);
    this.#show();
  }

  changeLocale(): void {
    this.locale = this.locale === 'en' ? 'fr' : 'en';
    remember('campanile.language', this.locale);
    this.#show();
  }

  #show(): void {
    const page = document.documentElement;
    page.lang = this.locale;
    if (this.theme === 'auto') delete page.dataset.theme;
    else page.dataset.theme = this.theme;
  }
}

export const preferences = new Preferences();

/** A text in the viewer's language; a view that calls it is drawn again when the language changes. */
export function t(key: TextKey, fill?: Fill): string {
  return text(preferences.locale, key, fill);
}

export function tn(stem: CountedKey, count: number, fill?: Fill): string {
  return countedText(preferences.locale, stem, count, fill);
}
