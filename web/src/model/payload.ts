// A rejected message's bytes, made readable: JSON indented, text as it is, anything else as a hex dump.

export type PayloadKind = 'json' | 'text' | 'hex' | 'empty';

export interface ReadablePayload {
  kind: PayloadKind;
  text: string;
}

const HEX_BYTES_PER_LINE = 16;

export function readPayload(payload: string, encoding: string): ReadablePayload {
  if (payload === '') return { kind: 'empty', text: '' };
  if (encoding === 'base64') return { kind: 'hex', text: hexDump(bytesOfBase64(payload)) };
  try {
    return { kind: 'json', text: JSON.stringify(JSON.parse(payload), null, 2) };
  } catch {
    // Most rejected messages are not what they should be; the text itself is then what helps.
    return { kind: 'text', text: payload };
  }
}

export function bytesOfBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return new TextEncoder().encode(text);
  }
}

/** Offset, sixteen bytes, and the characters among them, as `xxd` prints it. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += HEX_BYTES_PER_LINE) {
    const part = [...bytes.subarray(at, at + HEX_BYTES_PER_LINE)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const characters = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(HEX_BYTES_PER_LINE * 3 - 1)}  ${characters}`);
  }
  return lines.join('\n');
}

/** One line of a payload for a table. */
export function payloadPreview(payload: string, encoding: string, length = 80): string {
  const text =
    encoding === 'base64'
      ? [...bytesOfBase64(payload).subarray(0, length)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
      : payload.replace(/\s+/g, ' ').trim();
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
