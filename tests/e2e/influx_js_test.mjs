// npm's @influxdata/influxdb-client, the client of InfluxDB 2: writing, buckets, deleting.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { InfluxDB, Point } from '@influxdata/influxdb-client';
import { BucketsAPI, DeleteAPI } from '@influxdata/influxdb-client-apis';
import { startCampanile } from './harness.mjs';

let campanile;
before(async () => { campanile = await startCampanile(); });
after(async () => { await campanile.stop(); });

async function rows(query) {
  const url = `${campanile.http}/query?` + new URLSearchParams({ db: 'campanile', q: query, epoch: 'ms' });
  const { results } = await (await fetch(url)).json();
  return results[0].series?.[0].values ?? [];
}

test('points of every type are stored', async () => {
  const writer = new InfluxDB({ url: campanile.http, token: 'any:token' }).getWriteApi('campus', 'campanile', 'ms');
  for (let number = 0; number < 2500; number++) {
    writer.writePoint(new Point('js').tag('room', '302').floatField('celsius', 20 + number / 100).intField('count', number)
      .booleanField('on', number % 2 === 0).stringField('note', `number ${number}, "quoted"`).timestamp(1_700_000_000_000 + number));
  }
  await writer.close();
  assert.deepEqual(await rows('SELECT count(celsius), sum(count) FROM js'), [[0, 2500, (2499 * 2500) / 2]]);
  assert.deepEqual(await rows('SELECT celsius, count, note, "on" FROM js LIMIT 1 OFFSET 7'),
    [[1_700_000_000_007, 20.07, 7, 'number 7, "quoted"', false]]);
});

test('a bucket that is not there is an error the client shows', async () => {
  const writer = new InfluxDB({ url: campanile.http, token: 'any:token' }).getWriteApi('campus', 'nowhere', 'ms', { maxRetries: 0 });
  writer.writePoint(new Point('js').floatField('v', 1));
  await assert.rejects(writer.close(), (error) => { assert.match(String(error.message ?? error), /nowhere/); return true; });
});

test('a bad line is an error and the good ones stay', async () => {
  const writer = new InfluxDB({ url: campanile.http, token: 'any:token' }).getWriteApi('campus', 'campanile', 'ms', { maxRetries: 0 });
  writer.writeRecord('partial v=1 1');
  writer.writeRecord('partial v=');
  writer.writeRecord('partial v=2 2');
  await assert.rejects(writer.close());
  assert.deepEqual(await rows('SELECT v FROM partial'), [[1, 1], [2, 2]]);
});

test('buckets are made, found and dropped, and points deleted', async () => {
  const influx = new InfluxDB({ url: campanile.http, token: 'any:token' });
  const buckets = new BucketsAPI(influx);
  const made = await buckets.postBuckets({ body: { orgID: 'any', name: 'lab/month', retentionRules: [{ type: 'expire', everySeconds: 30 * 86400 }] } });
  const found = await buckets.getBuckets({ name: 'lab/month' });
  assert.deepEqual(found.buckets.map((each) => [each.id, each.name, each.retentionRules[0].everySeconds]), [[made.id, 'lab/month', 2592000]]);
  const writer = influx.getWriteApi('campus', 'campanile', 's');
  for (const room of ['a', 'b']) writer.writePoint(new Point('gone').tag('room', room).floatField('v', 1).timestamp(1_700_000_000));
  await writer.close();
  await new DeleteAPI(influx).postDelete({ org: 'any', bucket: 'campanile',
    body: { start: new Date(1_700_000_000_000).toISOString(), stop: new Date(1_700_000_001_000).toISOString(), predicate: '_measurement="gone" AND room="a"' } });
  assert.deepEqual(await rows('SELECT room, v FROM gone'), [[1_700_000_000_000, 'b', 1]]);
  await buckets.deleteBucketsID({ bucketID: made.id });
  assert.deepEqual((await buckets.getBuckets({ name: 'lab/month' })).buckets, []);
});
