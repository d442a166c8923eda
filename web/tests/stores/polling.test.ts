import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { poll } from '$/stores/polling';

// The tests run without a DOM: the little that is needed of one.
const document = Object.assign(new EventTarget(), { hidden: false });

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('document', document);
  document.hidden = false;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('asks at once and again after each answer', async () => {
  let answer = (): void => {};
  const round = vi.fn(() => new Promise<void>((resolve) => (answer = resolve)));
  const stop = poll(1_000, round);
  expect(round).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(10_000); // no second one while the first is under way
  expect(round).toHaveBeenCalledTimes(1);
  answer();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(round).toHaveBeenCalledTimes(2);
  stop();
  answer();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(round).toHaveBeenCalledTimes(2);
});

it('rests while the page is hidden and goes on when it is seen', async () => {
  const round = vi.fn(async () => undefined);
  const stop = poll(1_000, round);
  await vi.advanceTimersByTimeAsync(0);
  document.hidden = true;
  document.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(round).toHaveBeenCalledTimes(1);
  document.hidden = false;
  document.dispatchEvent(new Event('visibilitychange'));
  expect(round).toHaveBeenCalledTimes(2);
  stop();
});

it('goes on after a round that failed', async () => {
  const round = vi.fn(() => Promise.reject(new Error('lost')));
  const stop = poll(1_000, round);
  await vi.advanceTimersByTimeAsync(2_500);
  expect(round).toHaveBeenCalledTimes(3);
  stop();
});
