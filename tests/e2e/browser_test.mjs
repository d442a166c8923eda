// Headless Chromium opens the page of the real binary. Screenshots go to build/screenshots, to be looked at.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import mqtt from 'mqtt';
import { chromium } from 'playwright-core';
import { startCampanile, waitUntil } from './harness.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const screenshots = resolve(here, '../../build/screenshots');
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const chromiumPath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));

let campanile, browser, device;

before(async () => {
  mkdirSync(screenshots, { recursive: true });
  campanile = await startCampanile();
  device = await mqtt.connectAsync(campanile.mqtt, { reconnectPeriod: 200 });
  browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});

after(async () => {
  await browser?.close();
  await device?.endAsync(true);
  await campanile?.stop();
});

function reading(value, kind = 'temperature', unit = 'celsius', room = '302') {
  return device.publishAsync(`u4/${room}/${kind}`, JSON.stringify({ value, value_units: unit, subID: '24', unitID: 'auto_92f8' }), { qos: 1 });
}

// A page that notes everything that must not happen.
async function openPage(path, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', ...options });
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(`page error: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.host !== campanile.httpAddress) page.faults.push(`external request: ${url}`);
  });
  page.on('console', (message) => { if (message.type() === 'error') page.faults.push(`console: ${message.text()}`); });
  await page.goto(campanile.http + path);
  return page;
}

async function sees(page, text) {
  await page.getByText(text).first().waitFor({ timeout: 20_000 });
}

async function assertAccessible(page) {
  // The page's own policy forbids injected scripts, which is as it should be; evaluation through the debugger is not bound by it.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
  assert.deepEqual(violations.map((found) => `${found.id}: ${found.nodes.map((node) => node.html).join(' | ')}`), []);
}

test('a published value appears on the campus view and moves without a reload', async () => {
  await reading(21.5);
  await reading(640, 'airquality', 'ppm');
  const page = await openPage('/');
  await sees(page, '302');
  await sees(page, '21.5');
  await reading(27.5);
  await sees(page, '27.5');
  await assertAccessible(page);
  await page.screenshot({ path: join(screenshots, 'campus.png') });
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
  await page.screenshot({ path: join(screenshots, 'place.png') });
  assert.deepEqual(page.faults, []);
  await page.close();
});

test('a message that cannot be decoded is listed with its reason', async () => {
  await device.publishAsync('u4/302/humidity', '{"value":', { qos: 1 });
  const page = await openPage('/rejected');
  await sees(page, 'u4/302/humidity');
  await assertAccessible(page);
  await page.screenshot({ path: join(screenshots, 'rejected.png') });
  assert.deepEqual(page.faults, []);
  await page.close();
});

test('the system view shows the ingest rate', async () => {
  const page = await openPage('/system');
  await sees(page, '0.1.0');
  await assertAccessible(page);
  await page.screenshot({ path: join(screenshots, 'system.png') });
  assert.deepEqual(page.faults, []);
  await page.close();
});

test('a phone in the dark sees it too', async () => {
  const page = await openPage('/', { viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true });
  await page.locator('a.tile[href="/place/u4/302"]').waitFor({ timeout: 20_000 });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(overflow, 0, 'the page scrolls sideways');
  await assertAccessible(page);
  await page.screenshot({ path: join(screenshots, 'phone-dark.png') });
  await page.close();
});

test('when the server goes the page says so, and comes back by itself', async () => {
  await reading(24.5);
  const page = await openPage('/place/u4/302');
  await sees(page, '24.5');
  const { folder, httpAddress, mqttAddress } = campanile;
  await campanile.stop({ keep: true, signal: 'SIGKILL' });
  await page.getByRole('status').or(page.getByRole('alert')).filter({ hasText: /connect|reach/i }).first().waitFor({ timeout: 20_000 });
  await page.screenshot({ path: join(screenshots, 'disconnected.png') });
  campanile = await startCampanile({ data: folder, http: httpAddress, mqtt: mqttAddress });
  await waitUntil(() => device.connected, 'the device to come back');
  await reading(25.25);
  await page.getByText(/25\.(25|3)/).first().waitFor({ timeout: 40_000 });
  await page.close();
});
