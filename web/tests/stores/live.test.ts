import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveChannel, type LiveHandlers } from '$/stores/live.svelte';

class FakeSocket {
  static made: FakeSocket[] = [];
  onopen: () => void = () => {};
  onclose: () => void = () => {};
  onmessage: (event: { data: unknown }) => void = () => {};
  sent: string[] = [];
  closed = false;
  constructor(readonly url: string) {
    FakeSocket.made.push(this);
  }
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.closed = true;
  }
}

const newest = (): FakeSocket => FakeSocket.made.at(-1)!;
let heard: Record<keyof LiveHandlers, number>;
let channel: LiveChannel;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('addEventListener', () => {});
  vi.stubGlobal('document', { addEventListener: () => {}, visibilityState: 'visible' });
  FakeSocket.made = [];
  heard = { opened: 0, values: 0, sensors: 0, status: 0 };
  channel = new LiveChannel('ws://x/api/v1/live', {
    opened: () => void (heard.opened += 1),
    values: (values) => void (heard.values += values.length),
    sensors: (sensors) => void (heard.sensors += sensors.length),
    status: () => void (heard.status += 1),
  });
  channel.start();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('an open channel', () => {
  it('subscribes to everything, and hands on what it hears', () => {
    expect(channel.state).toBe('connecting');
    newest().onopen();
    expect(channel.connected).toBe(true);
    expect(newest().sent).toEqual(['{"subscribe":"*"}']);
    newest().onmessage({ data: '{"type":"values","time_ms":1,"values":[["a",1,2],["b",1,3]]}' });
    newest().onmessage({ data: '{"type":"status","rates":{}}' });
    newest().onmessage({ data: '{"type":"sensors","sensors":[{}]}' });
    expect(heard).toEqual({ opened: 1, values: 2, sensors: 1, status: 1 });
  });
  it('does not fall over what it cannot read', () => {
    newest().onopen();
    for (const data of ['', 'nonsense', 'null', '[]', '{"type":"values"}', '{"type":"new"}', new ArrayBuffer(2)]) newest().onmessage({ data });
    expect(channel.connected).toBe(true);
    expect(heard.values).toBe(0);
  });
});

describe('a lost channel', () => {
  it('says so at once and is opened again', () => {
    newest().onopen();
    newest().onclose();
    expect([channel.state, channel.connected]).toEqual(['waiting', false]);
    expect(channel.lostAtMs).not.toBeNull();
    vi.advanceTimersByTime(500);
    expect(FakeSocket.made).toHaveLength(2);
    newest().onopen();
    expect([channel.connected, channel.lostAtMs, channel.openings, heard.opened]).toEqual([true, null, 2, 2]);
  });
  it('is noticed by silence, though nobody closed it', () => {
    newest().onopen();
    vi.advanceTimersByTime(7_900);
    expect(channel.connected).toBe(true);
    vi.advanceTimersByTime(200);
    expect(channel.state).toBe('waiting');
    expect(FakeSocket.made[0]!.closed).toBe(true);
    // The late word of the old socket changes nothing.
    FakeSocket.made[0]!.onclose();
    expect(channel.state).toBe('waiting');
  });
  it('is tried more and more seldom, also when it opens and closes at once', () => {
    for (let n = 0; n < 8; n += 1) {
      newest().onopen();
      newest().onclose();
      vi.advanceTimersByTime(20_000);
    }
    const before = FakeSocket.made.length;
    newest().onclose();
    vi.advanceTimersByTime(11_000);
    expect(FakeSocket.made).toHaveLength(before);
    vi.advanceTimersByTime(9_000);
    expect(FakeSocket.made).toHaveLength(before + 1);
  });
  it('is tried at once when the viewer asks', () => {
    newest().onclose();
    channel.retryNow();
    expect(FakeSocket.made).toHaveLength(2);
    vi.advanceTimersByTime(1_000);
    expect(FakeSocket.made).toHaveLength(2);
  });
});
