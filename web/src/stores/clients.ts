// The broker's clients (docs/api.md, Clients): a page of them, one of them, and its end.

import { ask, isObject, tell, type Answer } from './http';

export interface Client {
  id: string;
  connected: boolean;
  since_ms: number;
  user: string;
  address: string;
  /** The name of the listener that it came through. */
  listener: string;
  protocol: string;
  keep_alive_s: number;
  /** null: for ever; 0: not at all. */
  session_expiry_s: number | null;
  subscriptions: number;
  in_flight: number;
  queued_messages: number;
  queued_bytes: number;
  unsent_bytes: number;
  messages_in: number;
  messages_out: number;
  bytes_in: number;
  bytes_out: number;
  will_topic: string;
}

export interface Subscription {
  client: string;
  filter: string;
  qos: number;
  no_local: boolean;
  retain_as_published: boolean;
  identifier: number;
}

export interface ClientPage {
  matching: number;
  clients: Client[];
  next: string | null;
}

export interface ClientDetails {
  client: Client;
  subscriptions: Subscription[];
  more: boolean;
}

export type ClientState = 'all' | 'connected' | 'away';
export const CLIENTS_PER_PAGE = 50;

export function loadClients(contains: string, state: ClientState, cursor: string | null, signal: AbortSignal): Promise<Answer<ClientPage>> {
  const query = new URLSearchParams({ limit: String(CLIENTS_PER_PAGE) });
  if (contains !== '') query.set('contains', contains);
  if (state !== 'all') query.set('state', state);
  if (cursor !== null) query.set('cursor', cursor);
  return ask<ClientPage>(`/api/v1/clients?${query}`, (body) => isObject(body) && Array.isArray(body.clients), signal);
}

export function loadClient(id: string, signal: AbortSignal): Promise<Answer<ClientDetails>> {
  return ask<ClientDetails>(clientPath(id), (body) => isObject(body) && isObject(body.client) && Array.isArray(body.subscriptions), signal);
}

export function disconnectClient(id: string, endSession: boolean): Promise<Answer<unknown>> {
  return tell('DELETE', `${clientPath(id)}?end_session=${endSession}`, undefined, isObject);
}

function clientPath(id: string): string {
  return `/api/v1/clients/${encodeURIComponent(id)}`;
}
