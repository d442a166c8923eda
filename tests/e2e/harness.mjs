// Starts the real binary for tests written in JavaScript; the same rules as harness.py.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const binary = process.env.CAMPANILE_BINARY ?? join(root, 'build/release/campanile');

export async function startCampanile({ command = 'serve', data, http = '127.0.0.1:0', mqtt = '127.0.0.1:0', options = [] } = {}) {
  const folder = data ?? mkdtempSync(join(tmpdir(), 'campanile-e2e-'));
  const child = spawn(binary, [command, '--data', folder, '--http', http, '--mqtt', mqtt, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  child.stderr.on('data', (bytes) => log.push(bytes.toString()));
  const exited = new Promise((done) => child.once('exit', done));
  const ready = await Promise.race([
    new Promise((done) => createInterface({ input: child.stdout }).once('line', done)),
    exited.then((code) => { throw new Error(`campanile ended with ${code}:\n${log.join('')}`); }),
  ]);
  const match = /^ready http=(\S+):(\d+) mqtt=(\S+):(\d+)$/.exec(ready);
  if (!match) throw new Error(`no ready line but ${ready}`);
  return {
    folder,
    http: `http://127.0.0.1:${match[2]}`,
    httpAddress: `127.0.0.1:${match[2]}`,
    mqtt: `mqtt://127.0.0.1:${match[4]}`,
    mqttAddress: `127.0.0.1:${match[4]}`,
    async stop({ keep = false, signal = 'SIGTERM' } = {}) {
      child.kill(signal);
      await exited;
      if (!keep && !data) rmSync(folder, { recursive: true, force: true });
    },
  };
}

// Polls instead of sleeping; generous, because machines are slow at times.
export async function waitUntil(condition, what, limitMs = 30_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms for ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}
