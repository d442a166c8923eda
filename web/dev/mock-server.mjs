// The API of docs/api.md with an emulated campus behind it, for work on the page and for its tests; no part of the product.
//   node dev/mock-server.mjs [--port 8086] [--static dist] [--sensors 10000] [--rejected 130] [--empty] [--degraded]

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { makeClients, makeTopics, subscriptionsOf, topicsAnswer } from './broker.mjs';
import { historyOf, lastSpokeMs, makeCampus, makeRejected, rejectedMessage } from './campus.mjs';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.txt': 'text/plain; charset=utf-8' };
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TICK_MS = 250;

export function startMock({ port = 0, folder = null, sensors: sensorsMin = 0, rejected: rejectedCount = 130, empty = false, degraded = false } = {}) {
  const startMs = Date.now();
  const sensors = empty ? [] : makeCampus(sensorsMin);
  const byId = new Map(sensors.map((sensor) => [sensor.info.id, sensor]));
  let clients = makeClients(startMs, empty);
  const topics = empty ? new Map() : makeTopics(sensors, startMs - 60_000);
  const rejected = empty ? [] : makeRejected(rejectedCount);
  let messages = 0;
  let lately = [];

  const record = (sensor, timeMs) => {
    const spokeMs = lastSpokeMs(sensor, timeMs);
    return { ...sensor.info, value: sensor.at(spokeMs), time_ms: spokeMs, period_ms: sensor.period };
  };
  const status = () => {
    const rate = lately.reduce((sum, count) => sum + count, 0) / Math.max(1, (lately.length * TICK_MS) / 1000);
    return {
      version: '0.1.0',
      time_ms: Date.now(),
      uptime_s: Math.round((Date.now() - startMs) / 1000) + 7_384,
      state: degraded ? 'degraded' : 'ok',
      problems: degraded
        ? [
            {
              name: 'disk_space',
              message: '212 MiB are free where the data is (/var/lib/campanile), 1024 MiB should be (storage.free_bytes_min)',
              since_ms: startMs,
              stops_writes: false,
              refused: 'nothing yet',
              remedy: 'make room, add disk, or keep less',
            },
          ]
        : [],
      rates: { messages_per_s: rate, points_per_s: rate * 1.18, bytes_per_s: rate * 176, rejected_per_s: empty ? 0 : 0.1 },
      totals: { messages: messages + 412_807, points: Math.round(messages * 1.18) + 488_110, rejected: rejected.length },
      clients: empty ? 0 : 27,
      subscriptions: empty ? 0 : 6,
      series: sensors.length,
      head_points: 12_000 + messages,
      memory_bytes: 91_300_000,
      disk_bytes: 1_430_000_000,
    };
  };

  function api(url, method, body, send) {
    const { pathname, searchParams } = url;
    const now = Date.now();
    if (pathname === '/api/v1/clients') {
      const [text, state, cursor] = ['contains', 'state', 'cursor'].map((name) => searchParams.get(name) ?? '');
      for (const client of clients) if (client.connected) client.messages_in += 1;
      const matching = clients.filter((client) => client.id.includes(text) && (state === '' || client.connected === (state === 'connected')));
      const limit = Number(searchParams.get('limit') ?? 100);
      const page = matching.filter((client) => client.id > cursor);
      return send(200, { matching: matching.length, clients: page.slice(0, limit), next: page.length > limit ? page[limit - 1].id : null });
    }
    if (pathname.startsWith('/api/v1/clients/')) {
      const client = clients.find(({ id }) => id === decodeURIComponent(pathname.slice(16)));
      if (!client) return send(404, { error: 'there is no such client, connected or away' });
      if (method !== 'DELETE') return send(200, { client, subscriptions: subscriptionsOf(client), more: false });
      clients = clients.filter((other) => other !== client);
      return send(200, { disconnected: client.id });
    }
    if (pathname === '/api/v1/topics') return send(200, topicsAnswer(topics, searchParams.getAll('under'), searchParams.get('topic'), now, startMs, lastSpokeMs));
    if (pathname === '/api/v1/publish') {
      const { topic, payload, retain } = JSON.parse(body);
      topics.set(topic, { text: () => payload, period: 1e9, startMs: now - 1e9, retain });
      return send(200, retain ? { stored: true, retained: true } : { stored: true });
    }
    if (pathname === '/api/v1/sensors') return send(200, { time_ms: now, sensors: sensors.map((sensor) => record(sensor, now)) });
    if (pathname === '/api/v1/status') return send(200, status());
    if (pathname === '/api/v1/rejected') {
      const limit = Math.min(1000, Number(searchParams.get('limit') ?? 100));
      const before = searchParams.get('before');
      const from = before === null ? 0 : rejected.findIndex((message) => message.id === before) + 1;
      const byReason = {};
      for (const { reason } of rejected) byReason[reason] = (byReason[reason] ?? 0) + 1;
      return send(200, { total: rejected.length, kept: rejected.length, by_reason: byReason, messages: rejected.slice(from, from + limit) });
    }
    const history = /^\/api\/v1\/sensors\/([^/]+)\/history$/.exec(pathname);
    const sensor = history && byId.get(decodeURIComponent(history[1]));
    if (sensor) {
      const toMs = Number(searchParams.get('to_ms') ?? now);
      const fromMs = Number(searchParams.get('from_ms') ?? toMs - 900_000);
      return send(200, historyOf(sensor, fromMs, toMs, Number(searchParams.get('points') ?? 600)));
    }
    return send(404, { error: `nothing is at ${pathname}: see docs/api.md` });
  }

  async function file(pathname, response) {
    const path = normalize(pathname).replace(/^(\.\.[/\\])+/, '');
    const name = extname(path) === '' ? 'index.html' : path;
    try {
      const body = await readFile(join(folder, name));
      response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream', 'content-security-policy': POLICY });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const send = (code, body) => {
      response.writeHead(code, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (url.pathname.startsWith('/api/')) {
      const parts = [];
      request.on('data', (part) => parts.push(part));
      request.on('end', () => api(url, request.method, Buffer.concat(parts).toString(), send));
    }
    else if (folder) void file(url.pathname, response);
    else send(404, { error: 'start with --static dist to serve the page' });
  });

  const channel = new WebSocketServer({ server, path: '/api/v1/live' });
  channel.on('connection', (socket) => {
    socket.wanted = new Set();
    socket.on('message', (data) => {
      const { subscribe } = JSON.parse(String(data));
      socket.wanted = subscribe === '*' ? '*' : new Set(subscribe);
    });
  });
  const tellAll = (message, pick) => {
    for (const socket of channel.clients) {
      const body = pick ? { ...message, values: message.values.filter(([id]) => socket.wanted === '*' || socket.wanted.has(id)) } : message;
      if (!pick || body.values.length > 0) socket.send(JSON.stringify(body));
    }
  };

  let tick = 0;
  let lastMs = Date.now();
  const timer = setInterval(() => {
    const now = Date.now();
    const values = [];
    for (const sensor of sensors) {
      const spokeMs = lastSpokeMs(sensor, now);
      if (spokeMs > lastMs && spokeMs <= now) values.push([sensor.info.id, spokeMs, sensor.at(spokeMs)]);
    }
    lastMs = now;
    messages += values.length;
    lately = [...lately.slice(-19), values.length];
    if (values.length > 0) tellAll({ type: 'values', time_ms: now, values }, true);
    tick += 1;
    if (tick % 4 === 0) tellAll({ type: 'status', ...status() });
    if (!empty && tick % 40 === 0) rejected.unshift(rejectedMessage(rejected.length, now));
  }, TICK_MS);

  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => {
      resolve({
        port: server.address().port,
        address: `http://127.0.0.1:${server.address().port}`,
        /** Drops every connection and answers no more. */
        stop: () =>
          new Promise((done) => {
            clearInterval(timer);
            for (const socket of channel.clients) socket.terminate();
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, other) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? other : (process.argv[at + 1] ?? other);
  };
  const folder = option('static', null);
  const mock = await startMock({
    port: Number(option('port', 8086)),
    folder: folder && join(process.cwd(), folder),
    sensors: Number(option('sensors', 0)),
    rejected: Number(option('rejected', 130)),
    empty: process.argv.includes('--empty'),
    degraded: process.argv.includes('--degraded'),
  });
  console.log(`mock campus at ${mock.address}`);
}
