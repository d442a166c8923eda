import { expect, it } from 'vitest';
import { CounterRates } from '$/model/counter_rates';

it('needs two looks for a rate', () => {
  const rates = new CounterRates();
  rates.begin();
  rates.note('a', 100, 1_000);
  expect(rates.of('a')).toBeNull();
  rates.begin();
  rates.note('a', 130, 4_000);
  expect(rates.of('a')).toBe(10);
});

it('begins anew where a counter went back', () => {
  const rates = new CounterRates();
  rates.note('a', 100, 1_000);
  rates.note('a', 3, 2_000);
  expect(rates.of('a')).toBeNull();
  rates.note('a', 5, 3_000);
  expect(rates.of('a')).toBe(2);
});

it('forgets what is no longer mentioned', () => {
  const rates = new CounterRates();
  rates.begin();
  rates.note('a', 1, 1_000);
  for (let look = 0; look < 5; look += 1) rates.begin();
  rates.note('a', 9, 9_000);
  expect(rates.of('a')).toBeNull();
});
