import { describe, expect, it } from 'vitest';
import { effectOf, titleOf, type Problem } from '$/model/problem';

function problem(name: string): Problem {
  return { name, message: 'writing /data: No space left on device', since_ms: 0, stops_writes: true, refused: 'points', remedy: 'make room' };
}

describe('problems', () => {
  it('are told in the reader’s language', () => {
    for (const name of ['journal', 'read_only', 'chunks', 'checkpoint', 'rejected', 'sessions', 'disk_space', 'clock']) {
      expect(titleOf('en', problem(name))).not.toBe(problem(name).message);
      expect(titleOf('fr', problem(name))).not.toBe(titleOf('en', problem(name)));
      expect(effectOf('fr', problem(name))).not.toBe(effectOf('en', problem(name)));
    }
  });
  it('that the page does not know are told in the server’s words', () => {
    expect(titleOf('fr', problem('moths'))).toBe('writing /data: No space left on device');
    expect(effectOf('fr', problem('moths'))).toBe('points. make room');
  });
});
