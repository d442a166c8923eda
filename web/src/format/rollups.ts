// A place's quantity in one figure: a single value, a sum, a spread, or how many are on.

import { displayUnit, quantitySpec, type Locale } from '$/model/quantities';
import type { Measured, QuantityRollup } from '$/model/rollup';
import { booleanWord, formatNumber, formatValue, type FormattedValue } from './values';

export type RollupKind = 'value' | 'sum' | 'range' | 'count';

export interface RollupFigure extends FormattedValue {
  kind: RollupKind;
}

/**
 * One sensor: its value. Several: lowest and highest, because the freshest would jump from one sensor to another; the sum of what may be
 * added up. Digital sensors of a `room` say together whether any is on, those of a `building` how many are.
 */
export function rollupFigure(rollup: QuantityRollup<Measured>, locale: Locale, scope: 'room' | 'building'): RollupFigure {
  const { quantity, unit, counted, freshest } = rollup;
  const value = freshest.reading.value;
  if (counted < 2) return { kind: 'value', ...formatValue(value, quantity, unit, locale) };
  if (typeof value === 'boolean') {
    if (scope === 'room') return { kind: 'value', text: booleanWord(rollup.sum > 0, quantity, unit, locale), unit: '' };
    return { kind: 'count', text: `${rollup.sum} / ${counted}`, unit: booleanWord(true, quantity, unit, locale) };
  }
  if (quantitySpec(quantity).additive) return { kind: 'sum', ...formatValue(rollup.sum, quantity, unit, locale) };
  if (typeof value === 'string') return { kind: 'value', ...formatValue(value, quantity, unit, locale) };
  const decimals = quantitySpec(quantity).decimals;
  const low = formatNumber(rollup.min, locale, decimals);
  const high = formatNumber(rollup.max, locale, decimals);
  return { kind: 'range', text: low === high ? low : `${low}\u2009–\u2009${high}`, unit: displayUnit(quantity, unit, locale) };
}
