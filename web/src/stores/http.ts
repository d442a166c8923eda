// Asks the server's API and tells apart what can go wrong, so that a view can say what to do.

export type AskError =
  | { kind: 'network' }
  | { kind: 'status'; status: number; text: string }
  | { kind: 'shape' };

export type Answer<T> = { ok: true; value: T } | { ok: false; error: AskError };

const TIMEOUT_MS = 15_000;

/** GETs a JSON resource; `isValid` is a quick check of its shape, not a full schema. An abort by `signal` counts as a network error. */
export async function ask<T>(path: string, isValid: (value: unknown) => boolean, signal?: AbortSignal): Promise<Answer<T>> {
  const timeout = new AbortController();
  const stop = (): void => timeout.abort();
  const timer = setTimeout(stop, TIMEOUT_MS);
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  try {
    const response = await fetch(path, { headers: { accept: 'application/json' }, signal: timeout.signal });
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) {
      const text = isObject(body) && typeof body.error === 'string' ? body.error : response.statusText;
      return { ok: false, error: { kind: 'status', status: response.status, text } };
    }
    return isValid(body) ? { ok: true, value: body as T } : { ok: false, error: { kind: 'shape' } };
  } catch {
    return { ok: false, error: { kind: 'network' } };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export type Loading<T> = { state: 'loading' } | { state: 'ready'; value: T } | { state: 'failed'; error: AskError };
