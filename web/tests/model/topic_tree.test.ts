import { describe, expect, it } from 'vitest';
import { pathsAbove, topicFault, topicOf, treeRows, type TopicLevel, type TopicPath } from '$/model/topic_tree';

const level = (path: string, topics: number, isTopic = false): TopicLevel => ({
  name: path.slice(path.lastIndexOf('/', path.length - 2) + 1, -1),
  path,
  is_topic: isTopic,
  topics,
  messages: 1,
  bytes: 1,
  time_ms: 1,
});

const paths: TopicPath[] = [
  { under: '', levels: [level('a/', 3, true), level('b/', 1, true)], left_out: 0 },
  { under: 'a/', levels: [level('a//', 1, true), level('a/x/', 1, true)], left_out: 2 },
];

describe('treeRows', () => {
  it('shows the root alone while nothing is open', () => {
    expect(treeRows(paths, new Set()).map((row) => (row.kind === 'level' ? [row.level.path, row.depth, row.open, row.hasBelow] : row))).toEqual([
      ['a/', 0, false, true],
      ['b/', 0, false, false],
    ]);
  });
  it('puts what is open below its level, and says what was left out', () => {
    const rows = treeRows(paths, new Set(['a/', 'b/']));
    expect(rows.map((row) => (row.kind === 'level' ? row.level.path : `${row.under}+${row.count}`))).toEqual(['a/', 'a//', 'a/x/', 'a/+2', 'b/']);
    expect(rows.map((row) => row.depth)).toEqual([0, 1, 1, 1, 0]);
  });
  it('waits for levels that were not asked for yet', () => {
    expect(treeRows(paths.slice(0, 1), new Set(['a/']))).toHaveLength(2);
  });
});

it('tells the topic of a level and the paths above a topic', () => {
  expect(topicOf(level('a/b/', 1))).toBe('a/b');
  expect(pathsAbove('u4/302/co2')).toEqual(['u4/', 'u4/302/']);
  expect(pathsAbove('/a')).toEqual(['/']);
  expect(pathsAbove('alone')).toEqual([]);
});

it('knows what cannot be published to', () => {
  expect(topicFault('u4/302/light/command')).toBeNull();
  expect(topicFault('')).toBe('empty');
  expect(topicFault('u4/+/light')).toBe('wildcard');
  expect(topicFault('$SYS/broker/uptime')).toBe('own');
  expect(topicFault('$SYSTEM')).toBeNull();
  expect(topicFault('a\0')).toBe('zero');
});
