import { expect, it } from 'vitest';
import { RATE_SAMPLES_MAX, RateRecord } from '$/stores/rate_record';

const sample = (timeMs: number) => ({ timeMs, messages: 1, points: 1, rejected: 0 });

it('keeps the newest samples, so many and no more', () => {
  const record = new RateRecord();
  for (let n = 0; n < RATE_SAMPLES_MAX + 10; n += 1) record.add(sample(n));
  expect(record.samples).toHaveLength(RATE_SAMPLES_MAX);
  expect(record.samples[0]!.timeMs).toBe(10);
});

it('takes a status told twice once', () => {
  const record = new RateRecord();
  record.add(sample(5));
  record.add(sample(5));
  expect(record.samples).toHaveLength(1);
});

it('begins anew when the server’s clock was set back', () => {
  const record = new RateRecord();
  record.add(sample(5));
  record.add(sample(3));
  expect(record.samples.map(({ timeMs }) => timeMs)).toEqual([3]);
});
