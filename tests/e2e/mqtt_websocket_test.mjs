// npm's mqtt client over WebSockets, as pages use it, and over TLS.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { startCampanile, waitUntil } from './harness.mjs';

let campanile;
let folder;
let listeners;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'campanile-listeners-'));
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', join(folder, 'server.key'), '-out', join(folder, 'server.pem')]);
  assert.equal(made.status, 0, made.stderr.toString());
  const secure = `certificate: ${folder}/server.pem, key: ${folder}/server.key`;
  writeFileSync(join(folder, 'campanile.yaml'), `
mqtt:
  listeners:
    - {name: ws, protocol: ws, listen: "127.0.0.1:0"}
    - {name: wss, protocol: wss, listen: "127.0.0.1:0", ${secure}}
    - {name: tls, protocol: tls, listen: "127.0.0.1:0", ${secure}}
`);
  campanile = await startCampanile({ options: ['--config', join(folder, 'campanile.yaml')] });
  const status = await (await fetch(`${campanile.http}/api/v1/status`)).json();
  listeners = Object.fromEntries(status.listeners.map((listener) => [listener.name, listener.address]));
});
after(async () => {
  await campanile?.stop();
  rmSync(folder, { recursive: true, force: true });
});

for (const [name, scheme] of [['ws', 'ws'], ['wss', 'wss'], ['tls', 'mqtts']]) {
  test(`messages of every size over ${scheme}`, async () => {
    const client = await mqtt.connectAsync(`${scheme}://${listeners[name]}/mqtt`, {
      protocolVersion: 5, reconnectPeriod: 0, ...(scheme === 'ws' ? {} : { ca: readFileSync(join(folder, 'server.pem')) }),
    });
    const received = [];
    client.on('message', (topic, payload) => received.push(payload.toString()));
    await client.subscribeAsync(`js/${name}/#`, { qos: 1 });
    const sent = [0, 1, 100, 125, 126, 4_000, 65_535, 65_536, 300_000].map((size) => `${size}:`.padEnd(size, 'x'));
    await Promise.all(sent.map((payload) => client.publishAsync(`js/${name}/x`, payload, { qos: 1 })));
    await waitUntil(() => received.length >= sent.length, 'all messages');
    assert.deepEqual(received, sent);
    await client.endAsync();
  });
}

test('a page of another site is refused while anybody may come in', async () => {
  const connect = (origin) => mqtt.connectAsync(`ws://${listeners.ws}/mqtt`, { reconnectPeriod: 0, connectTimeout: 5_000, wsOptions: { origin } }, false);
  await assert.rejects(connect('https://evil.example.org'));
  await (await connect('http://127.0.0.1:8086')).endAsync();
});
