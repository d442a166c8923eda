// The views of the broker's clients and of the messages, in headless Chromium on the real binary. Screenshots go to build/screenshots.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { assertAccessible, assertFits, launchBrowser, openPage as open, picture, sees } from './browser.mjs';
import { startCampanile, waitUntil } from './harness.mjs';

let campanile, browser, device, away;

const openPage = (path, options) => open(browser, campanile.httpAddress, path, options);
const ask = async (path) => (await fetch(campanile.http + path)).json();

before(async () => {
  campanile = await startCampanile({ options: ['--set', 'mqtt.sys_interval_s=1'] });
  device = await mqtt.connectAsync(campanile.mqtt, { clientId: 'neosensor-17', reconnectPeriod: 300, protocolVersion: 5 });
  await device.subscribeAsync('u4/+/command', { qos: 1 });
  away = await mqtt.connectAsync(campanile.mqtt, { clientId: 'hall-display', clean: false });
  await away.subscribeAsync('u4/#', { qos: 1 });
  await away.endAsync(true);
  await device.publishAsync('u4/302/light', 'on', { qos: 1, retain: true });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await device?.endAsync(true);
  await campanile?.stop();
});

test('clients are listed, those away with what waits for them', async () => {
  const page = await openPage('/clients');
  await sees(page, 'neosensor-17');
  await sees(page, 'hall-display');
  await page.locator('tr', { hasText: 'hall-display' }).getByText('away').waitFor();
  await assertAccessible(page);
  await picture(page, 'clients');
  await page.getByLabel('Search clients').fill('neo');
  await page.getByText('hall-display').waitFor({ state: 'detached' });
  assert.match(page.url(), /q=neo/);
  await page.getByLabel('Search clients').fill('');
  await page.getByText('Away', { exact: true }).click();
  await page.getByText('neosensor-17').waitFor({ state: 'detached' });
  assert.deepEqual(page.faults, []);
  await page.close();
});

test('a client is shown with its subscriptions and can be disconnected, after a question', async () => {
  const page = await openPage('/clients');
  await page.getByRole('link', { name: 'neosensor-17' }).click();
  await sees(page, 'u4/+/command');
  await sees(page, 'MQTT 5');
  await assertAccessible(page);
  await picture(page, 'client');
  const before = (await ask('/api/v1/clients/neosensor-17')).client.since_ms;
  await page.getByRole('button', { name: 'Disconnect' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  await assertAccessible(page);
  await picture(page, 'client-disconnect');
  // Leaving it changes nothing, by button and by Escape.
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.equal((await ask('/api/v1/clients/neosensor-17')).client.since_ms, before);
  const ended = new Promise((resolve) => device.once('disconnect', (packet) => resolve(packet.reasonCode)));
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await dialog.getByRole('button', { name: 'Disconnect' }).click();
  assert.equal(await ended, 0x98);
  await waitUntil(async () => (await ask('/api/v1/clients/neosensor-17')).client?.since_ms > before, 'the device to come back');
  await waitUntil(() => device.connected, 'the device to know it');
  await page.close();
});

test('the session of a client that is away can be ended', async () => {
  const page = await openPage('/clients?client=hall-display');
  await sees(page, 'away; its session is kept');
  await page.getByRole('button', { name: 'End the session' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'End the session' }).click();
  await sees(page, 'This client is gone');
  assert.equal((await ask('/api/v1/clients?contains=hall')).matching, 0);
  await page.close();
});

test('the tree of topics counts while it is looked at, and a message is read in full', async () => {
  const page = await openPage('/messages');
  await page.getByRole('button', { name: 'Open u4', exact: true }).click();
  await page.getByRole('button', { name: 'Open u4/302', exact: true }).click();
  await page.getByRole('link', { name: 'light' }).waitFor(); // retained, from before
  await device.publishAsync('u4/302/temperature', '{"value":21.5,"unitID":"x"}', { qos: 1 });
  await device.publishAsync('u4/302/temperature', '{"value":22.5,"unitID":"x"}', { qos: 1 });
  await page.getByRole('link', { name: 'temperature' }).click();
  await sees(page, '"value": 22.5');
  await page.locator('li', { hasText: 'temperature' }).getByText('2 messages').waitFor();
  await assertAccessible(page);
  await picture(page, 'messages');
  await device.publishAsync('u4/302/raw', Buffer.from([0, 1, 255]));
  await page.getByRole('link', { name: 'raw' }).click();
  await sees(page, '000000  00 01 ff');
  assert.deepEqual(page.faults, []);
  await page.close();
});

test('a message is published from the page, and a wrong topic is explained', async () => {
  const heard = new Promise((resolve) => device.on('message', (topic, payload) => resolve(`${topic} ${payload}`)));
  const page = await openPage('/messages');
  await page.getByLabel('Topic', { exact: true }).fill('u4/+/command');
  await page.getByRole('button', { name: 'Publish' }).click();
  await sees(page, /a topic to publish to has neither/);
  await assertAccessible(page);
  await page.getByLabel('Topic', { exact: true }).fill('u4/302/command');
  await page.getByLabel('Payload').fill('on');
  await page.getByRole('button', { name: 'Publish' }).click();
  await sees(page, /Published on u4\/302\/command at .* and on disk/);
  assert.equal(await heard, 'u4/302/command on');
  assert.deepEqual(page.faults, []);
  await page.close();
});

test('a phone in the dark and a wall screen show them too', async () => {
  for (const [name, options] of [
    ['phone', { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true }],
    ['wall', { viewport: { width: 2560, height: 1440 } }],
  ]) {
    for (const [path, text] of [
      ['/clients', 'neosensor-17'],
      ['/clients?client=neosensor-17', 'u4/+/command'],
      ['/messages', '$SYS'],
      ['/messages?topic=u4%2F302%2Flight', 'Last message'],
    ]) {
      const page = await openPage(path, options);
      await sees(page, text);
      await page.waitForTimeout(300); // for the picture alone
      await assertFits(page);
      await assertAccessible(page);
      await picture(page, `${name}-${path.slice(1).replace(/\W+/g, '-')}`);
      assert.deepEqual(page.faults, []);
      await page.close();
    }
  }
});
