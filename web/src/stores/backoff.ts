// How long to wait before the next try to connect: doubling, with a limit, and scattered so that a hundred pages do not come back in one instant.

const FIRST_MS = 500;
const LONGEST_MS = 20_000;

export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(full * (0.6 + 0.4 * random));
}
