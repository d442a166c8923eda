// The open part of the topic tree as rows, from the levels that the server gave for each open path.

export interface TopicLevel {
  name: string;
  /** With the slash at its end: what `under` wants. */
  path: string;
  is_topic: boolean;
  topics: number;
  messages: number;
  bytes: number;
  time_ms: number | null;
  /** Where it is a topic: the beginning of its last payload; null where that is no text. */
  last?: string | null;
}

export interface TopicPath {
  under: string;
  levels: TopicLevel[];
  left_out: number;
}

export type TopicRow =
  | { kind: 'level'; level: TopicLevel; depth: number; open: boolean; hasBelow: boolean }
  | { kind: 'left-out'; under: string; depth: number; count: number };

export function topicOf(level: TopicLevel): string {
  return level.path.slice(0, -1);
}

/** Whether topics lie below the level, beside its own. */
export function hasBelow(level: TopicLevel): boolean {
  return level.topics > (level.is_topic ? 1 : 0);
}

export function treeRows(paths: readonly TopicPath[], open: ReadonlySet<string>): TopicRow[] {
  const byPath = new Map(paths.map((path) => [path.under, path]));
  const rows: TopicRow[] = [];
  const add = (under: string, depth: number): void => {
    const path = byPath.get(under);
    if (!path) return;
    for (const level of path.levels) {
      const below = hasBelow(level);
      const isOpen = below && open.has(level.path);
      rows.push({ kind: 'level', level, depth, open: isOpen, hasBelow: below });
      if (isOpen) add(level.path, depth + 1);
    }
    if (path.left_out > 0) rows.push({ kind: 'left-out', under, depth, count: path.left_out });
  };
  add('', 0);
  return rows;
}

/** The paths above a topic, outermost first: what must be open for it to be seen. */
export function pathsAbove(topic: string): string[] {
  const paths: string[] = [];
  for (let at = topic.indexOf('/'); at >= 0; at = topic.indexOf('/', at + 1)) paths.push(topic.slice(0, at + 1));
  return paths;
}

/** What is wrong with a topic to publish to, or null. */
export function topicFault(topic: string): 'empty' | 'wildcard' | 'own' | 'zero' | null {
  if (topic === '') return 'empty';
  if (/[+#]/.test(topic)) return 'wildcard';
  if (topic === '$SYS' || topic.startsWith('$SYS/')) return 'own';
  return topic.includes('\0') ? 'zero' : null;
}
