// Headless Chromium opens the page of the real binary. Screenshots go to build/screenshots, to be looked at.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import mqtt from 'mqtt';
import { assertAccessible, assertFits, launchBrowser, openPage as open, picture, sees } from './browser.mjs';
import { startCampanile, waitUntil } from './harness.mjs';

let campanile, browser, device;

before(async () => {
  campanile = await startCampanile();
  device = await mqtt.connectAsync(campanile.mqtt, { reconnectPeriod: 200 });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await device?.endAsync(true);
  await campanile?.stop();
});

function reading(value, kind = 'temperature', unit = 'celsius', room = '302') {
  return device.publishAsync(`u4/${room}/${kind}`, JSON.stringify({ value, value_units: unit, subID: '24', unitID: 'auto_92f8' }), { qos: 1 });
}

const openPage = (path, options) => open(browser, campanile.httpAddress, path, options);

test('a published value appears on the campus view and moves without a reload', async () => {
  await reading(21.5);
  await reading(640, 'airquality', 'ppm');
  const page = await openPage('/');
  await sees(page, '302');
  await sees(page, '21.5');
  await reading(27.5);
  await sees(page, '27.5');
  await assertAccessible(page);
  await picture(page, 'campus');
  assert.deepEqual(page.faults, []);
  await page.close();
});

test('a sensor that is new while the page is open shows up by itself', async () => {
  const page = await openPage('/');
  await sees(page, '302');
  await reading(19.25, 'temperature', 'celsius', 'newroom');
  await sees(page, 'newroom');
  assert.deepEqual(page.faults, []);
  await page.close();
});

test("a room's page draws a live chart", async () => {
  await reading(22.5);
  const page = await openPage('/place/u4/302');
  await sees(page, '22.5');
  await page.locator('canvas').first().waitFor({ timeout: 20_000 });
  await reading(23.75);
  await page.getByText(/23\.(75|8)/).first().waitFor({ timeout: 20_000 });
  await assertAccessible(page);
  await picture(page, 'place');
  assert.deepEqual(page.faults, []);
  await page.close();
});

test('a message that cannot be decoded is listed with its reason', async () => {
  await device.publishAsync('u4/302/humidity', '{"value":', { qos: 1 });
  const page = await openPage('/rejected');
  await sees(page, 'u4/302/humidity');
  await assertAccessible(page);
  await picture(page, 'rejected');
  assert.deepEqual(page.faults, []);
  await page.close();
});

test('the system view shows the ingest rate', async () => {
  const page = await openPage('/system');
  await sees(page, '0.1.0');
  await assertAccessible(page);
  await picture(page, 'system');
  assert.deepEqual(page.faults, []);
  await page.close();
});

test('what is wrong with the server is said on every view, in words', async () => {
  const warned = await startCampanile({ options: ['--set', 'storage.free_bytes_min=1024TiB'] });
  for (const path of ['/', '/system']) {
    const page = await open(browser, warned.httpAddress, path);
    await page.getByRole('alert').filter({ hasText: 'The disk of the data is nearly full.' }).waitFor({ timeout: 20_000 });
    await assertAccessible(page);
    await assertFits(page);
    await picture(page, path === '/' ? 'problem' : 'problem-system');
    assert.deepEqual(page.faults, []);
    await page.close();
  }
  await warned.stop();
});

test('a phone in the dark sees it too', async () => {
  const page = await openPage('/', { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true });
  await page.locator('a.tile[href="/place/u4/302"]').waitFor({ timeout: 20_000 });
  await assertFits(page);
  await assertAccessible(page);
  await picture(page, 'phone-dark');
  await page.close();
});

test('when the server goes the page says so, and comes back by itself', async () => {
  await reading(24.5);
  const page = await openPage('/place/u4/302');
  await sees(page, '24.5');
  const { folder, httpAddress, mqttAddress } = campanile;
  await campanile.stop({ keep: true, signal: 'SIGKILL' });
  await page.getByRole('status').or(page.getByRole('alert')).filter({ hasText: /connect|reach/i }).first().waitFor({ timeout: 20_000 });
  await picture(page, 'disconnected');
  campanile = await startCampanile({ data: folder, http: httpAddress, mqtt: mqttAddress });
  await waitUntil(() => device.connected, 'the device to come back');
  await reading(25.25);
  await page.getByText(/25\.(25|3)/).first().waitFor({ timeout: 40_000 });
  await page.close();
});
