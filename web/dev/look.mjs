// Opens every view of the built page in Chromium on the emulated campus: takes screenshots, runs axe-core, and fails on an accessibility
// violation, on an error in the console, or on anything that the content security policy refused.
//   node dev/look.mjs FOLDER [--only NAME] [--sizes phone,laptop,wall] [--themes light,dark]      (build first; Chromium: CHROMIUM or /usr/bin/chromium)

import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { startMock } from './mock-server.mjs';

const require = createRequire(import.meta.url);
const folder = process.argv[2] ?? 'screenshots';
const option = (name, other) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? other : process.argv[at + 1];
};
const only = option('only', null);
const SIZES = { phone: { width: 390, height: 844 }, laptop: { width: 1440, height: 900 }, wall: { width: 2560, height: 1440 } };
const sizes = option('sizes', 'phone,laptop,wall').split(',');
const themes = option('themes', 'light,dark').split(',');

const VIEWS = [
  { name: 'campus', path: '/' },
  { name: 'campus-list', path: '/?as=list' },
  { name: 'campus-search', path: '/?q=co2' },
  { name: 'campus-silent', path: '/?show=silent' },
  { name: 'place', path: '/place/u4/302?range=1h' },
  { name: 'place-short', path: '/place/u4/303' },
  { name: 'place-building', path: '/place/u4?range=24h' },
  { name: 'place-rack', path: '/place/testbed/rack-z1?range=7d' },
  { name: 'place-unknown', path: '/place/u4/999' },
  { name: 'clients', path: '/clients', waitMs: 4500 },
  { name: 'clients-one', path: '/clients?client=dashboard-hall-display-with-a-rather-long-name' },
  { name: 'clients-away', path: '/clients?state=away&client=neosensor-005' },
  { name: 'clients-ask', path: '/clients?client=dashboard-hall-display-with-a-rather-long-name', act: async (page) => {
    await page.locator('.end').click();
    await page.locator('dialog input').check();
  } },
  { name: 'messages', path: '/messages', waitMs: 3500, act: openFirstLevels },
  { name: 'messages-one', path: '/messages?topic=u4%2F302%2Ftemperature', waitMs: 3500 },
  { name: 'messages-bytes', path: '/messages?topic=_lora%2F0011AA%2Fup' },
  { name: 'messages-french', path: '/messages', locale: 'fr-FR', waitMs: 2500, act: openFirstLevels },
  { name: 'empty-clients', path: '/clients', server: { empty: true } },
  { name: 'empty-messages', path: '/messages', server: { empty: true } },
  { name: 'rejected', path: '/rejected', act: (page) => page.locator('tbody .more button').nth(1).click() },
  { name: 'system', path: '/system', waitMs: 6000 },
  { name: 'not-found', path: '/nowhere' },
  { name: 'empty', path: '/', server: { empty: true } },
  { name: 'empty-rejected', path: '/rejected', server: { empty: true } },
  { name: 'degraded', path: '/system', server: { degraded: true } },
  { name: 'offline', path: '/place/u4/302', act: (_, server) => server.stop(), waitAfterMs: 1500 },
  { name: 'french', path: '/place/u4/amphi', locale: 'fr-FR' },
];

async function openFirstLevels(page) {
  for (const path of ['u4', 'u4/302']) {
    await page.locator(`button[aria-expanded='false'][aria-label$=' ${path}']`).first().click();
    await page.waitForTimeout(1300);
  }
}

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const dist = fileURLToPath(new URL('../dist', import.meta.url));
let failures = 0;

for (const view of VIEWS) {
  if (only && !only.split(',').includes(view.name)) continue;
  for (const size of sizes) {
    for (const theme of themes) {
      const server = await startMock({ folder: dist, ...view.server });
      const context = await browser.newContext({ viewport: SIZES[size], colorScheme: theme, locale: view.locale ?? 'en-GB', reducedMotion: 'reduce', bypassCSP: false });
      const page = await context.newPage();
      const said = [];
      // A lost server is what the offline view is about; its refused connections are no error of the page.
      page.on('console', (message) => message.type() === 'error' && !/ERR_CONNECTION|WebSocket/.test(message.text()) && said.push(message.text()));
      page.on('pageerror', (error) => said.push(String(error)));
      await page.goto(server.address + view.path);
      await page.waitForSelector('h1', { state: 'attached' });
      await page.waitForTimeout(view.waitMs ?? 1800);
      await view.act?.(page, server);
      await page.waitForTimeout(view.waitAfterMs ?? 300);
      const name = `${view.name}-${size}-${theme}`;
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: process.argv.includes('--full') });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (overflow > 0) said.push(`the page is ${overflow} px wider than the screen`);
      // axe is run by the debugger, past the content security policy that the page itself is held to.
      await page.evaluate(await axeSource());
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      for (const violation of violations) {
        said.push(`axe ${violation.id}: ${violation.help}\n    ${violation.nodes.slice(0, 4).map((node) => `${node.target.join(' ')}: ${node.any[0]?.message ?? node.all[0]?.message ?? node.none[0]?.message ?? ''}`).join('\n    ')}`);
      }
      failures += said.length;
      console.log(`${said.length === 0 ? 'ok    ' : 'FAILED'} ${name}`);
      for (const line of said) console.log(`  ${line}`);
      await context.close();
      await server.stop().catch(() => {});
    }
  }
}
await browser.close();
console.log(failures === 0 ? 'every view is clean' : `${failures} findings`);
process.exit(failures === 0 ? 0 : 1);

async function axeSource() {
  const { readFile } = await import('node:fs/promises');
  return readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
}
