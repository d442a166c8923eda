// Topics with messages (docs/api.md, Topics and Publish). Asking is what makes the server count them.

import { ask, isObject, tell, type Answer } from './http';
import type { TopicPath } from '$/model/topic_tree';

export interface TopicMessage {
  topic: string;
  time_ms: number | null;
  qos: number;
  retain: boolean;
  messages: number;
  bytes: number;
  payload: string;
  encoding: 'utf-8' | 'base64';
  payload_bytes: number;
}

export interface TopicsAnswer {
  time_ms: number;
  since_ms: number;
  topics: number;
  topics_max: number;
  left_out: number;
  paths: TopicPath[];
  message: TopicMessage | null;
}

/** What the server takes in one request, the root left out. */
export const OPEN_PATHS_MAX = 199;

export function loadTopics(open: readonly string[], topic: string | null, signal: AbortSignal): Promise<Answer<TopicsAnswer>> {
  const query = new URLSearchParams();
  for (const path of open.slice(0, OPEN_PATHS_MAX)) query.append('under', path);
  if (topic !== null) query.set('topic', topic);
  return ask<TopicsAnswer>(`/api/v1/topics?${query}`, (body) => isObject(body) && Array.isArray(body.paths), signal);
}

export interface Outgoing {
  topic: string;
  payload: string;
  qos: 0 | 1 | 2;
  retain: boolean;
}

export function publish(message: Outgoing): Promise<Answer<{ stored: boolean; retained?: boolean }>> {
  return tell('POST', '/api/v1/publish', message, (body) => isObject(body) && body.stored === true);
}
