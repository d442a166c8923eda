// Asks the server's API and tells apart what can go wrong, so that a view can say what to do.

export type AskError =
  | { kind: 'network' }
  | { kind: 'status'; status: number; text: string }
  | { kind: 'shape' };

export type Answer<T> = { ok: true; value: T } | { ok: false; error: AskError };

const TIMEOUT_MS = 15_000;

/** GETs a JSON resource; `isValid` is a quick check of its shape, not a full schema. An abort by `signal` counts as a network error. */
export function ask<T>(path: string, isValid: (value: unknown) => boolean, signal?: AbortSignal): Promise<Answer<T>> {
  return request<T>(path, { headers: { accept: 'application/json' } }, isValid, signal);
}

/** Changes something. It is never sent twice: after a network error nobody knows whether it was done. */
export function tell<T>(method: 'POST' | 'DELETE', path: string, body: unknown, isValid: (value: unknown) => boolean): Promise<Answer<T>> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  return request<T>(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }, isValid);
}

async function request<T>(path: string, options: RequestInit, isValid: (value: unknown) => boolean, signal?: AbortSignal): Promise<Answer<T>> {
  const timeout = new AbortController();
  const stop = (): void => timeout.abort();
  const timer = setTimeout(stop, TIMEOUT_MS);
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  try {
    const response = await fetch(path, { ...options, signal: timeout.signal });
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
