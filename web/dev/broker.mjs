// The broker's side of the emulated campus: its clients, their subscriptions, and the topics that they publish to.

const AWAY = 4;

export function makeClients(nowMs, empty) {
  if (empty) return [];
  const clients = [];
  for (let at = 0; at < 58; at += 1) {
    const away = at % 15 === AWAY;
    clients.push({
      id: `neosensor-${String(at + 1).padStart(3, '0')}`,
      connected: !away,
      since_ms: nowMs - (at * 977 + 40) * 1000,
      user: away ? '' : at % 3 === 0 ? 'campus' : '',
      address: away ? '' : `10.20.${at % 4}.${at + 10}:${40_000 + at}`,
      listener: away ? '' : 'mqtt',
      protocol: at % 5 === 0 ? '5' : '3.1.1',
      keep_alive_s: away ? 0 : 60,
      session_expiry_s: away ? 2_592_000 : 0,
      subscriptions: 1 + (at % 3),
      in_flight: away ? 3 : 0,
      queued_messages: away ? 120 + at : 0,
      queued_bytes: away ? 14_300 : 0,
      unsent_bytes: 0,
      messages_in: 4_000 + at,
      messages_out: 40,
      bytes_in: 512_000,
      bytes_out: 9_400,
      will_topic: '',
    });
  }
  clients.push({
    ...clients[0],
    id: 'dashboard-hall-display-with-a-rather-long-name',
    protocol: '5',
    user: 'wall',
    subscriptions: 3,
    queued_messages: 812,
    queued_bytes: 96_400,
    in_flight: 20,
    unsent_bytes: 1_048_000,
    messages_in: 12,
    messages_out: 91_200,
    session_expiry_s: null,
    will_topic: 'services/dashboard/state',
  });
  return clients.sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function subscriptionsOf(client) {
  const filters = ['u4/+/command', '$share/loaders/u4/#', '_services/time'];
  return filters.slice(0, client.subscriptions).map((filter, at) => ({
    client: client.id,
    filter,
    qos: at,
    no_local: at === 2,
    retain_as_published: false,
    identifier: at === 1 ? 7 : 0,
  }));
}

/** What each topic said since the start: a topic per sensor, and some that are none. */
export function makeTopics(sensors, startMs) {
  const topics = new Map();
  for (const sensor of sensors) {
    const { place, quantity, unit, name } = sensor.info;
    topics.set(`${place || 'lab'}/${quantity}`, { sensor, unit, name, startMs });
  }
  topics.set('$SYS/broker/uptime', { text: () => `${Math.round((Date.now() - startMs) / 1000)} seconds`, period: 10_000, startMs });
  topics.set('u4/302/light/command', { text: () => 'on', period: 1e9, startMs, retain: true });
  topics.set('_lora/0011AA/up', { bytes: () => Buffer.from([1, 30, 5, 57, 165, 1, 8, 68]), period: 7_000, startMs });
  return topics;
}

export function topicsAnswer(topics, under, topic, nowMs, startMs, lastSpokeMs) {
  const list = [...topics].map(([name, source]) => {
    const period = source.period ?? source.sensor.period;
    const messages = Math.floor((nowMs - source.startMs) / period);
    const timeMs = source.sensor ? lastSpokeMs(source.sensor, nowMs) : source.startMs + messages * period;
    const text = source.sensor
      ? JSON.stringify({ value: source.sensor.at(timeMs), value_units: source.unit, unitID: source.name.split('/')[0] })
      : source.bytes
        ? source.bytes().toString('base64')
        : source.text();
    return { name, messages, timeMs, text, binary: source.bytes !== undefined, retain: source.retain ?? false };
  });
  const paths = ['', ...under].map((path) => {
    const levels = new Map();
    for (const one of list) {
      if (!one.name.startsWith(path)) continue;
      const name = one.name.slice(path.length).split('/')[0];
      const level = levels.get(name) ?? { name, path: `${path}${name}/`, is_topic: false, topics: 0, messages: 0, bytes: 0, time_ms: null };
      level.topics += 1;
      level.messages += one.messages;
      level.bytes += one.messages * one.text.length;
      level.time_ms = Math.max(level.time_ms ?? 0, one.timeMs);
      if (one.name === path + name) Object.assign(level, { is_topic: true, last: one.binary ? null : one.text.slice(0, 64) });
      levels.set(name, level);
    }
    return { under: path, levels: [...levels.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), left_out: 0 };
  });
  const found = list.find(({ name }) => name === topic);
  const message = found && {
    topic,
    time_ms: found.timeMs,
    qos: 1,
    retain: found.retain,
    messages: found.messages,
    bytes: found.messages * found.text.length,
    payload: found.text,
    encoding: found.binary ? 'base64' : 'utf-8',
    payload_bytes: found.binary ? 8 : found.text.length,
  };
  return { time_ms: nowMs, since_ms: startMs, topics: list.length, topics_max: 20_000, left_out: 0, paths, message: message ?? null };
}
