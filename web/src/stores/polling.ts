// Asks again and again while somebody looks: for resources that the live channel does not tell.

/** Runs `round` now and `intervalMs` after each end of it; not while the page is hidden, and at once when it is seen again. */
export function poll(intervalMs: number, round: (signal: AbortSignal) => Promise<void>): () => void {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;

  async function run(): Promise<void> {
    if (busy || stop.signal.aborted || document.hidden) return;
    busy = true;
    await round(stop.signal).catch(() => undefined);
    busy = false;
    if (!stop.signal.aborted) timer = setTimeout(() => void run(), intervalMs);
  }
  const seen = (): void => {
    clearTimeout(timer);
    void run();
  };
  document.addEventListener('visibilitychange', seen);
  void run();
  return () => {
    stop.abort();
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', seen);
  };
}
