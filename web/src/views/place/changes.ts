// The changes of values that are words, newest first.

export interface Change {
  id: string;
  name: string;
  timeMs: number;
  text: string;
}

export const CHANGES_MAX = 40;

/** Adds a reading if it says something else than the sensor's one before it; a steady value keeps the time at which it began. */
export function addChange(changes: readonly Change[], change: Change): Change[] {
  const before = changes.find((other) => other.id === change.id && other.timeMs <= change.timeMs);
  if (before && (before.text === change.text || before.timeMs === change.timeMs)) return [...changes];
  return [...changes, change].sort((a, b) => b.timeMs - a.timeMs).slice(0, CHANGES_MAX);
}
