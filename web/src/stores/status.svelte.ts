// The server's status (docs/api.md, Status): asked once, then told every second by the live channel.

import { ask, isObject, type AskError } from './http';
import { clock } from './clock.svelte';
import { RateRecord } from './rate_record';
import type { Problem } from '$/model/problem';

export interface Status {
  version: string;
  time_ms: number;
  uptime_s: number;
  state: 'ok' | 'degraded';
  problems: Problem[];
  rates: { messages_per_s: number; points_per_s: number; bytes_per_s: number; rejected_per_s: number };
  totals: { messages: number; points: number; rejected: number };
  clients: number;
  subscriptions: number;
  series: number;
  head_points: number;
  memory_bytes: number;
  disk_bytes: number;
}

export class StatusStore {
  current = $state.raw<Status | null>(null);
  error = $state.raw<AskError | null>(null);
  /** Changes with every sample of `record`. */
  samples = $state(0);
  readonly record = new RateRecord();

  async load(): Promise<void> {
    const answer = await ask<Status>('/api/v1/status', isStatus);
    if (!answer.ok) {
      if (this.current === null) this.error = answer.error;
      return;
    }
    this.take(answer.value);
  }

  take(status: Status): void {
    if (!isStatus(status)) return;
    this.current = status;
    this.error = null;
    const timeMs = status.time_ms > 0 ? status.time_ms : clock.read();
    const { messages_per_s, points_per_s, rejected_per_s } = status.rates;
    this.record.add({ timeMs, messages: messages_per_s, points: points_per_s, rejected: rejected_per_s });
    this.samples += 1;
  }
}

function isStatus(value: unknown): boolean {
  return isObject(value) && isObject(value.rates) && isObject(value.totals);
}
