// npm's mqtt client, which browsers, Node-RED and many dashboards use.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { startCampanile, waitUntil } from './harness.mjs';

let campanile;
before(async () => { campanile = await startCampanile(); });
after(async () => { await campanile.stop(); });

for (const protocolVersion of [4, 5]) {
  for (const qos of [0, 1, 2]) {
    test(`MQTT ${protocolVersion === 4 ? '3.1.1' : '5'} at QoS ${qos}`, async () => {
      const client = await mqtt.connectAsync(campanile.mqtt, { protocolVersion, reconnectPeriod: 0 });
      const received = [];
      client.on('message', (topic, payload) => received.push(payload.toString()));
      await client.subscribeAsync(`js/${protocolVersion}/${qos}/#`, { qos });
      const sent = Array.from({ length: 200 }, (unused, number) => `message ${number}`);
      await Promise.all(sent.map((payload) => client.publishAsync(`js/${protocolVersion}/${qos}/x`, payload, { qos })));
      await waitUntil(() => received.length >= sent.length, 'all messages');
      assert.deepEqual(received, sent);
      await client.endAsync();
    });
  }
}

test('properties of MQTT 5 travel with the message', async () => {
  const client = await mqtt.connectAsync(campanile.mqtt, { protocolVersion: 5, reconnectPeriod: 0 });
  const packets = [];
  client.on('message', (topic, payload, packet) => packets.push(packet));
  await client.subscribeAsync('js/properties', { qos: 1, properties: { subscriptionIdentifier: 17 } });
  await client.publishAsync('js/properties', 'x', {
    qos: 1,
    properties: { responseTopic: 'js/answer', correlationData: Buffer.from('42'), contentType: 'text/plain', userProperties: { who: 'me' } },
  });
  await waitUntil(() => packets.length > 0, 'the message');
  const { properties } = packets[0];
  assert.equal(properties.responseTopic, 'js/answer');
  assert.equal(properties.correlationData.toString(), '42');
  assert.equal(properties.contentType, 'text/plain');
  assert.equal(properties.userProperties.who, 'me');
  assert.equal(properties.subscriptionIdentifier, 17);
  await client.endAsync();
});

test('a retained message and a will reach a later subscriber', async () => {
  const doomed = await mqtt.connectAsync(campanile.mqtt, {
    reconnectPeriod: 0, will: { topic: 'js/status', payload: Buffer.from('offline'), qos: 1, retain: true },
  });
  await doomed.publishAsync('js/status', 'online', { qos: 1, retain: true });
  const client = await mqtt.connectAsync(campanile.mqtt, { reconnectPeriod: 0 });
  const received = [];
  client.on('message', (topic, payload) => received.push(payload.toString()));
  await client.subscribeAsync('js/status', { qos: 1 });
  await waitUntil(() => received.includes('online'), 'the retained message');
  doomed.stream.destroy();
  await waitUntil(() => received.includes('offline'), 'the will');
  await client.endAsync();
});
