import { afterEach, expect, it, vi } from 'vitest';
import { disconnectClient, loadClients } from '$/stores/clients';
import { loadTopics, publish } from '$/stores/topics';

afterEach(() => vi.unstubAllGlobals());

function answering(status: number, body: unknown): ReturnType<typeof vi.fn> {
  const fetched = vi.fn(async () => new Response(JSON.stringify(body), { status }));
  vi.stubGlobal('fetch', fetched);
  return fetched;
}

it('asks for clients with what was chosen', async () => {
  const fetched = answering(200, { matching: 0, clients: [], next: null });
  expect((await loadClients('a b', 'away', 'last&one', new AbortController().signal)).ok).toBe(true);
  expect(fetched.mock.calls[0]![0]).toBe('/api/v1/clients?limit=50&contains=a+b&state=away&cursor=last%26one');
});

it('ends a client whatever is in its name', async () => {
  const fetched = answering(200, { disconnected: 'x' });
  await disconnectClient('a/b?c', true);
  expect(fetched.mock.calls[0]).toMatchObject(['/api/v1/clients/a%2Fb%3Fc?end_session=true', { method: 'DELETE' }]);
});

it('asks for each open path, and no more than the server takes', async () => {
  const fetched = answering(200, { paths: [] });
  await loadTopics(['u4/', 'u4/302/'], 'u4/302/co2', new AbortController().signal);
  expect(fetched.mock.calls[0]![0]).toBe('/api/v1/topics?under=u4%2F&under=u4%2F302%2F&topic=u4%2F302%2Fco2');
  await loadTopics(Array.from({ length: 500 }, (_, at) => `${at}/`), null, new AbortController().signal);
  expect(String(fetched.mock.calls[1]![0]).split('under=')).toHaveLength(200);
});

it('tells why a message was not taken', async () => {
  answering(403, { error: 'topics below $SYS are the broker’s own' });
  expect(await publish({ topic: '$SYS/x', payload: '', qos: 1, retain: false })).toEqual({
    ok: false,
    error: { kind: 'status', status: 403, text: 'topics below $SYS are the broker’s own' },
  });
});
