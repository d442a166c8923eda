// A sensor's history (docs/api.md, History). A few requests run at a time, the others wait: a page with fifty sensors must not flood the server.

import { ask, isObject, type Answer } from './http';
import type { NumericHistory } from '$/model/line';

export interface TextHistory {
  id: string;
  window_ms: number;
  times_ms: number[];
  last: (string | null)[];
}

export type History = NumericHistory | TextHistory;

export function isTextHistory(history: History): history is TextHistory {
  return 'last' in history;
}

const PARALLEL_MAX = 6;
let running = 0;
const waiting: (() => void)[] = [];

export async function loadHistory(id: string, fromMs: number, toMs: number, points: number, signal: AbortSignal): Promise<Answer<History>> {
  if (running >= PARALLEL_MAX) await new Promise<void>((resolve) => waiting.push(resolve));
  running += 1;
  try {
    if (signal.aborted) return { ok: false, error: { kind: 'network' } };
    const query = new URLSearchParams({ from_ms: String(Math.floor(fromMs)), to_ms: String(Math.ceil(toMs)), points: String(points) });
    return await ask<History>(`/api/v1/sensors/${encodeURIComponent(id)}/history?${query}`, isHistory, signal);
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

function isHistory(value: unknown): boolean {
  return isObject(value) && Array.isArray(value.times_ms) && (Array.isArray(value.mean) || Array.isArray(value.last));
}
