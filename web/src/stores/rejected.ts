// The rejected messages (docs/api.md, Rejected messages), a page at a time.

import { ask, isObject, type Answer } from './http';

export interface RejectedMessage {
  id: string;
  time_ms: number;
  topic: string;
  client: string;
  decoder: string;
  reason: string;
  payload: string;
  encoding: 'utf-8' | 'base64';
  payload_bytes: number;
}

export interface RejectedPage {
  total: number;
  kept: number;
  by_reason: Record<string, number>;
  messages: RejectedMessage[];
}

export const REJECTED_PER_PAGE = 50;

export function loadRejected(before: string | null, signal: AbortSignal): Promise<Answer<RejectedPage>> {
  // One more than is shown tells whether there is an older page.
  const query = new URLSearchParams({ limit: String(REJECTED_PER_PAGE + 1) });
  if (before !== null) query.set('before', before);
  return ask<RejectedPage>(`/api/v1/rejected?${query}`, (body) => isObject(body) && Array.isArray(body.messages) && isObject(body.by_reason), signal);
}
