import { describe, expect, it } from 'vitest';
import { searchTree } from '$/model/search';
import { buildTree } from '$/model/tree';
import { measured } from './sensor_record';

const root = buildTree([
  measured({ id: '1', place: 'u4/302', quantity: 'temperature' }),
  measured({ id: '2', place: 'u4/302', quantity: 'luminosity', unit: 'lux' }),
  measured({ id: '3', place: 'irit2/366', quantity: 'temperature', name: 'Fénelon' }),
]);
const found = (question: string, limit?: number) => searchTree(root, question, limit)!;

describe('searchTree', () => {
  it('asks nothing of an empty question', () => {
    expect(searchTree(root, '  ')).toBeNull();
  });
  it('wants every word, in place, name or quantity', () => {
    expect(found('u4 temp').sensors.map(({ info }) => info.id)).toEqual(['1']);
    expect(found('u4 nothing').sensorTotal).toBe(0);
  });
  it('finds labels of both languages, without accents', () => {
    expect(found('température').sensorTotal).toBe(2);
    expect(found('lumiere').sensors[0]?.info.id).toBe('2');
    expect(found('fenelon').sensors[0]?.info.id).toBe('3');
  });
  it('keeps the way to a match', () => {
    expect([...found('302').places].sort()).toEqual(['', 'u4', 'u4/302']);
  });
  it('cuts the list but tells the total', () => {
    expect(found('temperature', 1)).toMatchObject({ sensorTotal: 2, sensors: [{ info: { id: '3' } }] });
  });
});
