import { describe, expect, it } from 'vitest';
import { ancestorsOf, buildTree, cardPlaces, findPlace, NO_PLACE, placesWithSensors, relativeName, sensorsBelow } from '$/model/tree';
import { measured } from './sensor_record';

let nextId = 0;
const at = (place: string, quantity = 'temperature', name = 'a') => measured({ id: `${(nextId += 1)}.value`, place, quantity, name });

describe('buildTree', () => {
  it('makes a place of every prefix', () => {
    const root = buildTree([at('u4/302'), at('u4/302/rack/pdu')]);
    expect(root.children.map((place) => place.path)).toEqual(['u4']);
    expect(findPlace(root, 'u4/302/rack')?.sensors).toEqual([]);
    expect(findPlace(root, 'u4/302')?.sensors).toHaveLength(1);
    expect(findPlace(root, 'u4')?.sensorCount).toBe(2);
  });
  it('orders numbers in names as numbers', () => {
    const root = buildTree([at('u4/10'), at('u4/9'), at('u4/100'), at('irit2/1')]);
    expect(root.children.map((place) => place.slug)).toEqual(['irit2', 'u4']);
    expect(root.children[1]!.children.map((place) => place.slug)).toEqual(['9', '10', '100']);
  });
  it('orders sensors by quantity, then by name', () => {
    const room = findPlace(buildTree([at('r', 'noise'), at('r', 'temperature', 'b'), at('r', 'temperature', 'a'), at('r', 'zeta')]), 'r')!;
    expect(room.sensors.map(({ info }) => `${info.quantity} ${info.name}`)).toEqual(['temperature a', 'temperature b', 'noise a', 'zeta a']);
  });
  it('keeps sensors without a place, last', () => {
    const root = buildTree([at(''), at('zoo'), at('/')]);
    expect(root.children.map((place) => place.path)).toEqual(['zoo', NO_PLACE]);
    expect(root.children[1]!.sensors).toHaveLength(2);
  });
  it('reads stray slashes as nothing', () => {
    const root = buildTree([at('u4//302/')]);
    expect(findPlace(root, 'u4/302')?.sensors).toHaveLength(1);
  });
  it('is empty for no sensors', () => {
    expect(buildTree([]).children).toEqual([]);
  });
  it('takes ten thousand sensors in well under a second’s worth of places', () => {
    const many = Array.from({ length: 10_000 }, (_, n) => at(`b${n % 10}/f${n % 7}/r${n % 211}`));
    expect(buildTree(many).sensorCount).toBe(10_000);
  });
});

describe('findPlace', () => {
  const root = buildTree([at('u4/302')]);
  it('finds nothing where nothing is', () => {
    expect(findPlace(root, 'u4/999')).toBeNull();
    expect(findPlace(root, 'u4/302/deeper')).toBeNull();
  });
  it('finds the root for an empty path', () => {
    expect(findPlace(root, '')).toBe(root);
  });
  it('tells the ancestors, the outermost first', () => {
    const deep = buildTree([at('a/b/c')]);
    expect(ancestorsOf(findPlace(deep, 'a/b/c')!).map((place) => place.path)).toEqual(['a', 'a/b']);
  });
});

describe('cardPlaces', () => {
  const paths = (...places: string[]) => cardPlaces(buildTree(places.map((place) => at(place)))).map((place) => place.path);
  it('are the top places', () => {
    expect(paths('u4/1', 'u4/2', 'bu/1', 'outside')).toEqual(['bu', 'outside', 'u4']);
  });
  it('are the buildings when all stand on one campus', () => {
    expect(paths('ut3/u4/1', 'ut3/u4/2', 'ut3/bu/1')).toEqual(['ut3/bu', 'ut3/u4']);
  });
  it('is the one building when there is one', () => {
    expect(paths('u4/1', 'u4/2')).toEqual(['u4']);
    expect(paths('u4/1')).toEqual(['u4']);
    expect(paths('ut3/u4/1')).toEqual(['ut3/u4']);
  });
  it('is the one place when there is one', () => {
    expect(paths('outside')).toEqual(['outside']);
    expect(paths()).toEqual([]);
  });
});

it('finds the tiles of a building at any depth, and names them from inside it', () => {
  const root = buildTree([at('u4/f3/302'), at('u4/hall'), at('u4')]);
  const building = findPlace(root, 'u4')!;
  expect(placesWithSensors(building).map((place) => place.path)).toEqual(['u4', 'u4/f3/302', 'u4/hall']);
  expect(relativeName(findPlace(root, 'u4/f3/302')!, building)).toBe('f3 / 302');
  expect(relativeName(building, building)).toBe('u4');
  expect(sensorsBelow(building)).toHaveLength(3);
});
