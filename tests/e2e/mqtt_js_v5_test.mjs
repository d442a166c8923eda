// MQTT 5 as npm's mqtt client speaks it: what needs both sides to agree.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { startCampanile, waitUntil } from './harness.mjs';

let campanile;
before(async () => { campanile = await startCampanile(); });
after(async () => { await campanile.stop(); });

const connect = async (clientId, options = {}) => {
  const client = mqtt.connect(campanile.mqtt, { protocolVersion: 5, reconnectPeriod: 0, clientId, ...options });
  client.received = [];
  client.on('message', (topic, payload, packet) => client.received.push({ topic, payload: payload.toString(), packet }));
  await new Promise((resolve, reject) => {
    client.once('connect', (connack) => { client.connack = connack; resolve(); });
    client.once('error', reject);
  });
  return client;
};
const texts = (client) => client.received.map(({ topic, payload }) => `${topic}=${payload}`);

test('topic aliases in both directions', async () => {
  const reader = await connect('alias-reader', { properties: { topicAliasMaximum: 5 } });
  await reader.subscribeAsync('alias/#', { qos: 1 });
  const publisher = await connect('alias-publisher', { autoAssignTopicAlias: true });
  assert.ok(publisher.connack.properties.topicAliasMaximum > 0);
  const sent = [];
  for (let number = 0; number < 40; number += 1) {
    const topic = `alias/${number % 8}/long/enough`;
    await publisher.publishAsync(topic, `${number}`, { qos: number % 3 });
    sent.push(`${topic}=${number}`);
  }
  await waitUntil(() => reader.received.length >= sent.length, 'all messages');
  assert.deepEqual(texts(reader), sent);
  assert.ok(reader.received.some(({ packet }) => packet.properties?.topicAlias > 0), 'no alias was used towards the client');
  await reader.endAsync();
  await publisher.endAsync();
});

test('shared subscriptions divide the messages', async () => {
  const members = await Promise.all(['one', 'two'].map((name) => connect(`member-${name}`)));
  for (const member of members) await member.subscribeAsync('$share/g/work', { qos: 1 });
  const publisher = await connect('work-giver');
  for (let number = 0; number < 20; number += 1) await publisher.publishAsync('work', `${number}`, { qos: 1 });
  const all = () => members.flatMap((member) => member.received.map(({ payload }) => Number(payload)));
  await waitUntil(() => all().length >= 20, 'all messages');
  assert.deepEqual(all().sort((a, b) => a - b), Array.from({ length: 20 }, (unused, number) => number));
  assert.ok(members.every((member) => member.received.length > 0));
  for (const client of [...members, publisher]) await client.endAsync();
});

test('request and response', async () => {
  const asks = await connect('js-asks', { properties: { requestResponseInformation: true } });
  const prefix = asks.connack.properties.responseInformation;
  assert.equal(prefix, 'responses/js-asks/');
  await asks.subscribeAsync(`${prefix}#`);
  const answers = await connect('js-answers');
  await answers.subscribeAsync('js/lamp');
  answers.on('message', (topic, payload, { properties }) => answers.publish(properties.responseTopic, 'done', { properties: { correlationData: properties.correlationData } }));
  await asks.publishAsync('js/lamp', 'on', { properties: { responseTopic: `${prefix}1`, correlationData: Buffer.from([0, 255]) } });
  await waitUntil(() => asks.received.length > 0, 'the answer');
  assert.deepEqual(texts(asks), [`${prefix}1=done`]);
  assert.deepEqual(asks.received[0].packet.properties.correlationData, Buffer.from([0, 255]));
  await asks.endAsync();
  await answers.endAsync();
});

test('a will after its delay, or when the session ends first', async () => {
  const watch = await connect('js-watch');
  await watch.subscribeAsync('js/wills/#', { qos: 1 });
  const doomed = async (name, willDelayInterval, sessionExpiryInterval) => {
    const client = await connect(`js-${name}`, {
      properties: { sessionExpiryInterval }, will: { topic: `js/wills/${name}`, payload: Buffer.from('gone'), qos: 1, properties: { willDelayInterval } },
    });
    client.on('error', () => {});
    client.stream.destroy();
  };
  await doomed('delayed', 1, 3600);
  await doomed('ended', 3600, 1);
  await waitUntil(() => watch.received.length >= 2, 'both wills');
  assert.deepEqual(texts(watch).sort(), ['js/wills/delayed=gone', 'js/wills/ended=gone']);
  await watch.endAsync();
});

test('a queued message tells how long it has left', async () => {
  const properties = { sessionExpiryInterval: 3600 };
  const first = await connect('js-away', { clean: false, properties });
  await first.subscribeAsync('js/expiry', { qos: 1 });
  await first.endAsync();
  const publisher = await connect('js-expiry');
  await publisher.publishAsync('js/expiry', 'kept', { qos: 1, properties: { messageExpiryInterval: 1000 } });
  const back = await connect('js-away', { clean: false, properties });
  assert.equal(back.connack.sessionPresent, true);
  await waitUntil(() => back.received.length > 0, 'the queued message');
  const left = back.received[0].packet.properties.messageExpiryInterval;
  assert.ok(left > 0 && left <= 1000, `${left} s left`);
  await back.endAsync();
  await publisher.endAsync();
});
