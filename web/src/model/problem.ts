// What is wrong with the server (docs/api.md, Health), in the reader's words. A problem that this page does not know is told in the server's.

import { en, type TextKey } from '$/i18n/en';
import { text } from '$/i18n/text';
import type { Locale } from './quantities';

export interface Problem {
  name: string;
  message: string;
  since_ms: number;
  stops_writes: boolean;
  refused: string;
  remedy: string;
}

function known(key: string): key is TextKey {
  return key in en;
}

export function titleOf(locale: Locale, problem: Problem): string {
  const key = `problem.${problem.name}`;
  return known(key) ? text(locale, key) : problem.message;
}

/** What is refused meanwhile, and what to do. */
export function effectOf(locale: Locale, problem: Problem): string {
  const key = `problem.${problem.name}.effect`;
  return known(key) ? text(locale, key) : `${problem.refused}. ${problem.remedy}`;
}
