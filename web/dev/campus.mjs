// An emulated campus for working on the page without a server: places, sensors, and what each says at any moment.
// Values are functions of time, so that history and live readings agree.

const DAY_MS = 86_400_000;

/** A repeatable number in 0..1 for a text and a step. */
function noise(text, step) {
  let hash = 2166136261 ^ step;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  hash = Math.imul(hash ^ (hash >>> 13), 1274126177);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4294967296;
}

/** Noise that changes smoothly over `everyMs`, in -1..1. */
function drift(text, timeMs, everyMs) {
  const step = Math.floor(timeMs / everyMs);
  const part = timeMs / everyMs - step;
  const ease = part * part * (3 - 2 * part);
  return 2 * (noise(text, step) * (1 - ease) + noise(text, step + 1) * ease) - 1;
}

const day = (timeMs) => Math.sin(((timeMs % DAY_MS) / DAY_MS - 0.375) * 2 * Math.PI);
const round = (value, step) => Math.round(value / step) * step;

const occupied = (key, timeMs) => drift(`${key} seats`, timeMs, 17 * 60_000) + 0.4 * day(timeMs) > 0;

const MODELS = {
  temperature: (key, t) => Number((21.2 + 1.4 * day(t) + 0.9 * drift(key, t, 25 * 60_000) + 0.1 * drift(`${key}f`, t, 30_000)).toFixed(3)),
  humidity: (key, t) => Math.round(46 - 7 * day(t) + 5 * drift(key, t, 40 * 60_000)),
  luminosity: (key, t) => Math.max(0, Math.round(360 + 300 * day(t) + 60 * drift(key, t, 6 * 60_000))),
  co2: (key, t) => Math.round(Math.max(410, 760 + 620 * drift(key, t, 19 * 60_000) + 160 * day(t))),
  noise: (key, t) => Math.max(0, Math.round(9 + 14 * drift(key, t, 90_000) + 6 * drift(`${key}f`, t, 9_000))),
  presence: (key, t) => occupied(key, t),
  wattmeter: (key, t) => Math.max(0, Math.round(135 + 60 * drift(key, t, 12 * 60_000) + 22 * drift(`${key}f`, t, 20_000))),
  outdoor: (key, t) => Number((14.5 + 6 * day(t) + 1.5 * drift(key, t, 60 * 60_000)).toFixed(1)),
  pressure: (key, t) => Number((1013 + 6 * drift(key, t, 5 * 3_600_000)).toFixed(1)),
  wind: (key, t) => Number(Math.max(0, 3.4 + 3 * drift(key, t, 9 * 60_000) + drift(`${key}g`, t, 25_000)).toFixed(1)),
  wind_direction: (key, t) => Math.round(200 + 90 * drift(key, t, 50 * 60_000)),
  rain: (key, t) => Number(Math.max(0, drift(key, t, 70 * 60_000) - 0.5).toFixed(2)),
  pm2_5: (key, t) => round(Math.max(1, 9 + 6 * drift(key, t, 50 * 60_000)), 0.1),
  pm10: (key, t) => round(Math.max(2, 15 + 9 * drift(key, t, 50 * 60_000)), 0.1),
  level: (key, t) => Number((50 + 45 * drift(key, t, 8 * 60_000)).toFixed(1)),
  status: (key, t) => ['running', 'running', 'running', 'upgrading', 'rebooting', 'starting'][Math.floor(noise(key, Math.floor(t / 300_000)) * 6)],
};

const TYPES = { humidity: 'integer', luminosity: 'integer', co2: 'integer', noise: 'integer', presence: 'boolean', wattmeter: 'integer', wind_direction: 'integer', status: 'string' };

export function makeCampus(sensorsMin = 0) {
  const sensors = [];
  const add = (place, quantity, unit, { model = quantity, name, period = 10_000, silentSinceMs = null, kind = quantity, sub = '24', measurement = 'data', field = 'value', tags } = {}) => {
    const unitId = `auto_${Math.floor(noise(place, 7) * 65536).toString(16).padStart(4, '0')}`;
    const [building = '', room = ''] = place.split('/');
    const key = `${place} ${quantity} ${name ?? sub}`;
    sensors.push({
      info: {
        id: `${sensors.length + 1}.${field}`,
        place,
        name: name ?? `${unitId}/${sub}`,
        quantity,
        unit,
        type: TYPES[model] ?? 'float',
        measurement,
        field,
        tags: tags ?? { location: 'ut3', building, room, kind, unitID: unitId, subID: sub },
      },
      period,
      phase: Math.floor(noise(key, 3) * period),
      silentSinceMs,
      at: (timeMs) => MODELS[model](key, timeMs),
    });
  };

  const now = Date.now();
  const rooms = { u4: ['300', '301', '302', '303', '304', '305', 'hall', 'amphi'], irit2: ['166', '245', '366', '367', '464'], bu: ['lecture', 'archives', 'accueil'] };
  for (const [building, names] of Object.entries(rooms)) {
    for (const room of names) {
      const place = `${building}/${room}`;
      const silentSinceMs = place === 'irit2/464' ? now - 7 * 60_000 : null;
      add(place, 'temperature', 'celsius', { silentSinceMs });
      if (['302', 'amphi', 'lecture'].includes(room)) add(place, 'temperature', 'celsius', { sub: '28', silentSinceMs });
      add(place, 'humidity', '%r.H.', { silentSinceMs });
      if (room !== 'archives') add(place, 'luminosity', 'lux', { sub: '57', silentSinceMs });
      if (!['hall', 'archives'].includes(room)) add(place, 'co2', 'ppm', { kind: 'airquality', sub: 'co2', period: 15_000, silentSinceMs: place === 'u4/303' ? now - 4 * 60_000 : silentSinceMs });
      add(place, 'noise', 'pulses', { sub: 'mic', silentSinceMs });
      add(place, 'presence', '', { kind: 'digital', sub: 'IRsensor', period: 20_000, silentSinceMs });
    }
  }
  add('u4/302', 'device', '', { model: 'status', period: 60_000, name: 'neOSensor 4c:11:ae:0b:92:f8', field: 'status' });
  for (let outlet = 1; outlet <= 12; outlet += 1) {
    const sensor = `ecotype-${outlet}_pdu-Z1.${49 + outlet}`;
    add(outlet > 8 ? `ecotype-${outlet}` : 'testbed/rack-z1', 'wattmeter', 'W', { name: sensor, period: 2_000, measurement: 'sensors', tags: { location: `ecotype-${outlet}`, sensor, sensor_type: 'wattmeter', unit: 'W' } });
  }
  for (const side of ['front', 'back']) add('testbed/rack-z1', 'temperature', 'celsius', { name: `rack-z1 ${side}`, measurement: 'sensors', sub: side });
  const outside = { name: 'WXT530', period: 5_000 };
  add('outside', 'temperature', 'celsius', { ...outside, model: 'outdoor' });
  add('outside', 'humidity', '%', outside);
  add('outside', 'pressure', 'hPa', outside);
  add('outside', 'wind', 'm/s', outside);
  add('outside', 'wind_direction', 'deg', outside);
  add('outside', 'rain', 'mm', outside);
  add('outside', 'pm2_5', 'µg/m3', { ...outside, name: 'SPS30', period: 30_000 });
  add('outside', 'pm10', 'µg/m3', { ...outside, name: 'SPS30', period: 30_000 });
  for (const quantity of ['hydrogen', 'oxygen', 'wd40', 'gaffer']) add('csiot/mars', quantity, '', { model: 'level', name: 'mars', field: quantity, measurement: 'csiot', tags: { station: 'mars' } });
  for (let room = 0; sensors.length < sensorsMin; room += 1) {
    const place = `tower${Math.floor(room / 120) + 1}/f${Math.floor((room % 120) / 12)}/${100 + (room % 12)}`;
    for (const [quantity, unit] of [['temperature', 'celsius'], ['humidity', '%r.H.'], ['luminosity', 'lux'], ['co2', 'ppm'], ['noise', 'pulses'], ['presence', '']]) add(place, quantity, unit);
  }
  return sensors;
}

/** The newest moment at which a sensor has spoken, up to a time. */
export function lastSpokeMs(sensor, timeMs) {
  const until = sensor.silentSinceMs === null ? timeMs : Math.min(timeMs, sensor.silentSinceMs);
  return Math.floor((until - sensor.phase) / sensor.period) * sensor.period + sensor.phase;
}

export function historyOf(sensor, fromMs, toMs, points) {
  const windowMs = Math.max(sensor.period, Math.ceil((toMs - fromMs) / points / 1000) * 1000);
  const history = { id: sensor.info.id, window_ms: windowMs, times_ms: [] };
  const text = sensor.info.type === 'string';
  Object.assign(history, text ? { last: [] } : { mean: [], min: [], max: [] });
  const endMs = lastSpokeMs(sensor, toMs);
  for (let at = Math.floor(fromMs / windowMs) * windowMs; at <= endMs; at += windowMs) {
    // A gap of some minutes each six hours, as real networks have them.
    if (sensor.info.place === 'u4/302' && Math.floor(at / 1000) % 21600 < 240) continue;
    history.times_ms.push(at);
    if (text) {
      history.last.push(sensor.at(at));
      continue;
    }
    const count = Math.max(1, Math.min(12, Math.round(windowMs / sensor.period)));
    const values = Array.from({ length: count }, (_, i) => Number(sensor.at(at + (i * windowMs) / count)));
    history.mean.push(values.reduce((sum, value) => sum + value, 0) / count);
    history.min.push(Math.min(...values));
    history.max.push(Math.max(...values));
  }
  return history;
}

const REASONS = [
  ["'abc' is not a number: a temperature must be one", 'u4/302/temperature', 'neocampus', '{"value":"abc","value_units":"celsius","subID":"24","unitID":"auto_92f8"}'],
  ['the payload ends in the middle of an object, at byte 9', 'irit2/366/humidity', 'neocampus', '{"value":'],
  ['no route matches the topic', 'workshop/lathe/spindle', '', '{"rpm":1480,"load":0.42,"alarms":[],"operator":{"id":17,"shift":"b"}}'],
  ['the payload is not UTF-8 text', '_lora/70b3d5e75e003f2a/up', 'json', null],
  ['the payload is empty', 'bu/lecture/noise', 'neocampus', ''],
  ["unknown unit 'furlong'", 'testbed/rack-z1/wattmeter', 'line_protocol', 'sensors,location=ecotype-1,sensor=ecotype-1_pdu-Z1.50,sensor_type=wattmeter,unit=furlong value=123 1700000000'],
];

export function makeRejected(count) {
  const messages = [];
  for (let n = 0; n < count; n += 1) messages.push(rejectedMessage(n, Date.now() - (count - n) * 47_000));
  return messages.reverse();
}

export function rejectedMessage(n, timeMs) {
  const [reason, topic, decoder, text] = REASONS[Math.floor(noise('rejected', n) ** 2 * REASONS.length)];
  const bytes = text === null ? Buffer.from(Array.from({ length: 37 }, (_, i) => Math.floor(noise('bytes', n * 64 + i) * 256))) : Buffer.from(text);
  return {
    id: n.toString(16).padStart(16, '0'),
    time_ms: timeMs,
    topic,
    client: `neosensor-${1 + Math.floor(noise('client', n) * 40)}`,
    decoder,
    reason,
    payload: text ?? bytes.toString('base64'),
    encoding: text === null ? 'base64' : 'utf-8',
    payload_bytes: bytes.length,
  };
}
