// The lines of one chart: history asked from the server, live readings appended, asked again when the connection was lost or windows are long.

import { live, sensors } from '$/stores/campanile.svelte';
import { clock } from '$/stores/clock.svelte';
import { isTextHistory, loadHistory } from '$/stores/history';
import type { AskError } from '$/stores/http';
import type { SensorCell } from '$/stores/sensors.svelte';
import { appendReading, emptyLine, gapAfterMs, joinLines, lineFromHistory, trimBefore, type JoinedLines, type Line } from '$/model/line';
import { numericValue, type Reading } from '$/model/sensor';

const REFRESH_MIN_MS = 60_000;
// Redrawing four times a second is as fluent as the live channel; many lines are redrawn once.
const REDRAW_MS = 250;
const REDRAW_MANY_MS = 1000;
const FEW_LINES = 4;

export class ChartLines {
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<AskError | null>(null);
  /** Grows when a line changes. */
  version = $state(0);

  #lines = new Map<string, Line>();
  #followed = '';
  #redraw: ReturnType<typeof setTimeout> | undefined;

  line(id: string): Line | undefined {
    return this.#lines.get(id);
  }

  /** Keeps the lines of these sensors over this range until the returned function is called. */
  follow(cells: readonly SensorCell[], rangeMs: number, points: number): () => void {
    const stop = new AbortController();
    const early = new Map<string, Reading[]>();
    let loaded = false;
    let loadedAtMs = 0;
    // The same lines asked for again stay as they are until the answer is there.
    const followed = `${rangeMs} ${cells.map((cell) => cell.info.id).join(' ')}`;
    if (followed !== this.#followed) {
      this.#followed = followed;
      this.#lines = new Map();
      this.state = 'loading';
      this.version += 1;
    }
    loaded = this.#lines.size > 0;

    const load = async (): Promise<void> => {
      const toMs = clock.read();
      loadedAtMs = toMs;
      const answers = await Promise.all(cells.map((cell) => loadHistory(cell.info.id, toMs - rangeMs, toMs, points, stop.signal)));
      if (stop.signal.aborted) return;
      const fresh = new Map<string, Line>();
      let failed: AskError | null = null;
      answers.forEach((answer, at) => {
        const id = cells[at]!.info.id;
        if (answer.ok && !isTextHistory(answer.value)) fresh.set(id, lineFromHistory(answer.value));
        else if (!answer.ok) failed = answer.error;
      });
      if (failed !== null && fresh.size === 0) {
        // What was drawn before a lost connection stays.
        if (!loaded) {
          this.state = 'failed';
          this.error = failed;
        }
        return;
      }
      for (const cell of cells) {
        const line = fresh.get(cell.info.id) ?? emptyLine(1);
        for (const reading of early.get(cell.info.id) ?? []) append(line, reading);
        fresh.set(cell.info.id, line);
      }
      early.clear();
      this.#lines = fresh;
      loaded = true;
      this.state = 'ready';
      this.version += 1;
    };

    const ids = new Set(cells.map((cell) => cell.info.id));
    const stopBatches = sensors.onBatch((batch) => {
      let changed = false;
      for (const [id, readings] of batch) {
        if (!ids.has(id)) continue;
        const line = this.#lines.get(id);
        if (!line) {
          early.set(id, [...(early.get(id) ?? []), ...readings].slice(-64));
          continue;
        }
        for (const reading of readings) changed = append(line, reading) || changed;
        trimBefore(line, clock.read() - rangeMs * 1.05);
      }
      if (changed) this.#later(cells.length);
    });

    const refresh = setInterval(() => {
      const windowMs = Math.max(0, ...[...this.#lines.values()].map((line) => line.windowMs));
      const everyMs = Math.max(REFRESH_MIN_MS, windowMs);
      if (live.connected && document.visibilityState === 'visible' && clock.read() - loadedAtMs > everyMs) void load();
    }, 5_000);
    const onVisible = (): void => {
      if (document.visibilityState === 'visible') void load();
    };
    document.addEventListener('visibilitychange', onVisible);
    void load();

    return () => {
      stop.abort();
      stopBatches();
      clearInterval(refresh);
      clearTimeout(this.#redraw);
      this.#redraw = undefined;
      document.removeEventListener('visibilitychange', onVisible);
    };
  }

  joined(cells: readonly SensorCell[]): JoinedLines {
    const lines = cells.map((cell) => this.#lines.get(cell.info.id) ?? emptyLine(1));
    return joinLines(
      lines,
      lines.map((line, at) => gapAfterMs(line, cells[at]!.periodMs)),
    );
  }

  #later(lineCount: number): void {
    if (this.#redraw !== undefined) return;
    this.#redraw = setTimeout(
      () => {
        this.#redraw = undefined;
        this.version += 1;
      },
      lineCount <= FEW_LINES ? REDRAW_MS : REDRAW_MANY_MS,
    );
  }
}

function append(line: Line, reading: Reading): boolean {
  const value = numericValue(reading.value);
  return value !== null && appendReading(line, reading.timeMs, value);
}
