// The live channel: one WebSocket for the whole page, opened again with growing pauses when it is lost.
// It says whether it is open; every view shows values as not known while it is not.

import { backoffMs } from './backoff';
import { clock } from './clock.svelte';
import { isObject } from './http';
import type { SensorRecord, SensorValue } from '$/model/sensor';
import type { Status } from './status.svelte';

export type ValueTriple = [id: string, timeMs: number, value: SensorValue];

export interface LiveHandlers {
  /** Each time the channel opens: what was asked before may be out of date. */
  opened(): void;
  values(values: ValueTriple[]): void;
  sensors(sensors: SensorRecord[]): void;
  status(status: Status): void;
}

// The server sends its status every second; silence for this long means that the connection is dead though nobody closed it.
const SILENCE_MS = 8_000;
// A channel that was open for this long was a good one: the pauses begin anew.
const STEADY_MS = 5_000;

export class LiveChannel {
  state = $state<'connecting' | 'open' | 'waiting'>('connecting');
  /** When the connection was lost, by the server's clock; null while it is open, and before it was ever open. */
  lostAtMs = $state<number | null>(null);
  /** How often the channel was opened: what came between two openings is in the history only. */
  openings = $state(0);
  retryAtMs = $state<number | null>(null);
  connected = $derived(this.state === 'open');

  #handlers: LiveHandlers;
  #url: string;
  #socket: WebSocket | null = null;
  #attempt = 0;
  #openedAtMs: number | null = null;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #silenceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, handlers: LiveHandlers) {
    this.#url = url;
    this.#handlers = handlers;
  }

  start(): void {
    addEventListener('online', () => this.retryNow());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && this.state === 'waiting') this.retryNow();
    });
    this.#open();
  }

  retryNow(): void {
    if (this.state !== 'waiting') return;
    clearTimeout(this.#retryTimer);
    this.#open();
  }

  #open(): void {
    this.state = 'connecting';
    this.retryAtMs = null;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#watch(socket);
    socket.onopen = () => {
      socket.send(JSON.stringify({ subscribe: '*' }));
      this.#openedAtMs = Date.now();
      this.state = 'open';
      this.lostAtMs = null;
      this.openings += 1;
      this.#watch(socket);
      this.#handlers.opened();
    };
    socket.onmessage = (event) => {
      this.#watch(socket);
      if (typeof event.data === 'string') this.#receive(event.data);
    };
    // `error` is always followed by `close`.
    socket.onclose = () => this.#lost(socket);
  }

  #watch(socket: WebSocket): void {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = setTimeout(() => {
      // close() waits for the other side, which may be gone: give it up now.
      socket.close();
      this.#lost(socket);
    }, SILENCE_MS);
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    clearTimeout(this.#silenceTimer);
    if (this.state === 'open') {
      this.lostAtMs = clock.read();
      // A server that takes the page and closes it at once is not to be asked twice a second.
      if (this.#openedAtMs !== null && Date.now() - this.#openedAtMs > STEADY_MS) this.#attempt = 0;
    }
    const waitMs = backoffMs(this.#attempt, Math.random());
    this.#attempt += 1;
    this.state = 'waiting';
    this.retryAtMs = clock.read() + waitMs;
    this.#retryTimer = setTimeout(() => this.#open(), waitMs);
  }

  #receive(data: string): void {
    let message: unknown;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (!isObject(message)) return;
    if (typeof message.time_ms === 'number' && message.time_ms > 0) clock.set(message.time_ms);
    if (message.type === 'values' && Array.isArray(message.values)) this.#handlers.values(message.values as ValueTriple[]);
    else if (message.type === 'sensors' && Array.isArray(message.sensors)) this.#handlers.sensors(message.sensors as SensorRecord[]);
    else if (message.type === 'status') this.#handlers.status(message as unknown as Status);
  }
}
