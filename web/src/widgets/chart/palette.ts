// The colours of chart lines; past the last one they come again with dashes.

export const PALETTE_SIZE = 8;

export function lineColour(index: number): string {
  return `var(--line-${(index % PALETTE_SIZE) + 1})`;
}

export function lineDash(index: number): number[] {
  return index < PALETTE_SIZE ? [] : [7, 4];
}

/** A style variable's value as of now: the canvas cannot read variables itself. */
export function resolveColour(colour: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(colour)?.[1];
  return name ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() : colour;
}
