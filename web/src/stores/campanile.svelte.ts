// The page's stores, connected: the live channel feeds sensors and status.

import { untrack } from 'svelte';
import { clock } from './clock.svelte';
import { LiveChannel } from './live.svelte';
import { SensorStore } from './sensors.svelte';
import { StatusStore } from './status.svelte';

export const sensors = new SensorStore();
export const status = new StatusStore();
export const live = new LiveChannel(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/live`, {
  opened: () => void sensors.load().then(() => rollUpNow()),
  values: (values) => sensors.queue(values),
  sensors: (records) => sensors.take(records),
  status: (told) => status.take(told),
});

// Periods are told with the sensors only: now and then they are asked again.
const REFRESH_MS = 5 * 60_000;

export function rollUpNow(): void {
  sensors.rollUpAll(clock.read(), live.connected);
}

export function start(): void {
  void sensors.load().then(rollUpNow);
  void status.load();
  live.start();
  setInterval(() => {
    if (live.connected) void sensors.load();
  }, REFRESH_MS);
  $effect.root(() => {
    $effect(() => {
      // Once a second, and when the tree or the connection changes; not with every reading.
      const [nowMs, connected] = [clock.nowMs, live.connected, sensors.tree] as const;
      untrack(() => sensors.rollUpAll(nowMs, connected));
    });
  });
}
