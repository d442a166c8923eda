import { describe, expect, it } from 'vitest';
import { hexDump, payloadPreview, readPayload } from '$/model/payload';

describe('readPayload', () => {
  it('indents JSON', () => {
    expect(readPayload('{"a":[1]}', 'utf-8')).toEqual({ kind: 'json', text: '{\n  "a": [\n    1\n  ]\n}' });
  });
  it('leaves broken JSON as it came', () => {
    expect(readPayload('{"value":', 'utf-8')).toEqual({ kind: 'text', text: '{"value":' });
  });
  it('dumps bytes', () => {
    expect(readPayload('AEH/', 'base64')).toEqual({ kind: 'hex', text: `000000  00 41 ff${' '.repeat(39)}  .A.` });
  });
  it('does not fall over base64 that is none', () => {
    expect(readPayload('***', 'base64').kind).toBe('hex');
  });
  it('knows an empty payload', () => {
    expect(readPayload('', 'utf-8').kind).toBe('empty');
  });
});

it('breaks a dump every sixteen bytes', () => {
  expect(hexDump(new Uint8Array(17)).split('\n')).toHaveLength(2);
});

it('previews on one line, cut', () => {
  expect(payloadPreview('{\n  "a": 1\n}', 'utf-8')).toBe('{ "a": 1 }');
  expect(payloadPreview('x'.repeat(100), 'utf-8', 10)).toBe(`${'x'.repeat(10)}…`);
});
