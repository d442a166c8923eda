// One sensor's line in a chart: the server's windows (mean, min, max), with live readings appended as they come.

export interface NumericHistory {
  id: string;
  window_ms: number;
  times_ms: number[];
  mean: (number | null)[];
  min: (number | null)[];
  max: (number | null)[];
}

export interface Line {
  readonly windowMs: number;
  times: number[];
  mean: number[];
  min: number[];
  max: number[];
  /** How many readings the last window's mean stands for; a window from the server counts as one until it is asked for again. */
  lastCount: number;
  lastReadingMs: number;
}

export function emptyLine(windowMs: number): Line {
  return { windowMs: Math.max(1, windowMs), times: [], mean: [], min: [], max: [], lastCount: 0, lastReadingMs: -Infinity };
}

export function lineFromHistory(history: NumericHistory): Line {
  const line = emptyLine(history.window_ms);
  for (let i = 0; i < history.times_ms.length; i += 1) {
    const mean = history.mean[i];
    if (mean === null || mean === undefined) continue;
    line.times.push(history.times_ms[i]!);
    line.mean.push(mean);
    line.min.push(history.min[i] ?? mean);
    line.max.push(history.max[i] ?? mean);
  }
  line.lastCount = line.times.length > 0 ? 1 : 0;
  return line;
}

/** Adds a live reading; one that is not newer than the line's last window or reading changes nothing. Returns whether the line changed. */
export function appendReading(line: Line, timeMs: number, value: number): boolean {
  if (timeMs <= line.lastReadingMs) return false;
  const last = line.times.length - 1;
  const lastMs = line.times[last];
  if (lastMs !== undefined && timeMs < lastMs) return false;
  line.lastReadingMs = timeMs;
  // Windows stay on the server's raster: they are counted from the last one it sent.
  const windowMs = lastMs === undefined ? timeMs : lastMs + Math.floor((timeMs - lastMs) / line.windowMs) * line.windowMs;
  if (windowMs === lastMs) {
    line.mean[last] = (line.mean[last]! * line.lastCount + value) / (line.lastCount + 1);
    line.min[last] = Math.min(line.min[last]!, value);
    line.max[last] = Math.max(line.max[last]!, value);
    line.lastCount += 1;
    return true;
  }
  line.times.push(windowMs);
  line.mean.push(value);
  line.min.push(value);
  line.max.push(value);
  line.lastCount = 1;
  return true;
}

export function trimBefore(line: Line, fromMs: number): void {
  let drop = 0;
  while (drop < line.times.length && line.times[drop]! < fromMs) drop += 1;
  if (drop === 0) return;
  line.times.splice(0, drop);
  line.mean.splice(0, drop);
  line.min.splice(0, drop);
  line.max.splice(0, drop);
}

export interface LineExtent {
  min: number;
  max: number;
  last: number;
}

export function extentOf(line: Line): LineExtent | null {
  if (line.times.length === 0) return null;
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < line.times.length; i += 1) {
    min = Math.min(min, line.min[i]!);
    max = Math.max(max, line.max[i]!);
  }
  return { min, max, last: line.mean[line.mean.length - 1]! };
}

/** Whether the line hides anything between min and max that a band should show. */
export function hasSpread(line: Line): boolean {
  return line.times.some((_, i) => line.min[i] !== line.max[i]);
}

/** The longest distance between two points that is still joined: past three periods (or windows) the sensor was silent and the line breaks. */
export function gapAfterMs(line: Line, periodMs: number | null): number {
  return Math.max(3 * (periodMs ?? 0), 3 * line.windowMs, 30_000);
}

/** A cell of the joined table: `null` breaks the line, `undefined` means that this line has no point here. */
export type Cell = number | null | undefined;

export interface JoinedLines {
  /** Seconds, as uPlot wants them. */
  times: number[];
  columns: { mean: Cell[]; min: Cell[]; max: Cell[] }[];
}

/** Puts lines with different times on one axis. */
export function joinLines(lines: readonly Line[], gapsMs: readonly number[]): JoinedLines {
  const breaks = lines.map((line, at) => breaksOf(line, gapsMs[at] ?? Infinity));
  const all = new Set<number>();
  lines.forEach((line, at) => {
    for (const time of line.times) all.add(time);
    for (const time of breaks[at]!) all.add(time);
  });
  const times = Float64Array.from(all).sort();
  const rowOf = new Map<number, number>();
  times.forEach((time, row) => rowOf.set(time, row));

  const columns = lines.map((line, at) => {
    const column = { mean: blank(times.length), min: blank(times.length), max: blank(times.length) };
    for (const time of breaks[at]!) {
      const row = rowOf.get(time)!;
      column.mean[row] = column.min[row] = column.max[row] = null;
    }
    line.times.forEach((time, i) => {
      const row = rowOf.get(time)!;
      column.mean[row] = line.mean[i];
      column.min[row] = line.min[i];
      column.max[row] = line.max[i];
    });
    return column;
  });
  return { times: Array.from(times, (time) => time / 1000), columns };
}

function blank(length: number): Cell[] {
  return new Array<Cell>(length).fill(undefined);
}

function breaksOf(line: Line, gapMs: number): number[] {
  const found: number[] = [];
  for (let i = 1; i < line.times.length; i += 1) {
    if (line.times[i]! - line.times[i - 1]! > gapMs) found.push(line.times[i - 1]! + 1);
  }
  return found;
}

/** The newest value at or before a moment, if the line is not broken there. */
export function valueAt(line: Line, timeMs: number, gapMs: number): { mean: number; min: number; max: number } | null {
  let low = 0;
  let high = line.times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (line.times[middle]! <= timeMs) low = middle + 1;
    else high = middle;
  }
  const at = low - 1;
  if (at < 0 || timeMs - line.times[at]! > gapMs) return null;
  return { mean: line.mean[at]!, min: line.min[at]!, max: line.max[at]! };
}
