// Which view an address belongs to. Pure: the views themselves are in views/views.ts.

export const VIEW_NAMES = ['campus', 'place', 'rejected', 'system'] as const;
export type ViewName = (typeof VIEW_NAMES)[number];

export interface Route {
  view: ViewName | null;
  /** What follows the view's own part of the address: a place's path. */
  rest: string;
}

export function findRoute(pathname: string): Route {
  const [first = '', ...others] = pathname.split('/').filter((part) => part !== '').map(decode);
  if (first === '') return { view: 'campus', rest: '' };
  if (first === 'place') return others.length === 0 ? { view: 'campus', rest: '' } : { view: 'place', rest: others.join('/') };
  if ((first === 'rejected' || first === 'system') && others.length === 0) return { view: first, rest: '' };
  return { view: null, rest: '' };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function placeHref(path: string, range?: string | null): string {
  const address = `/place/${path.split('/').map(encodeURIComponent).join('/')}`;
  return range ? `${address}?range=${range}` : address;
}
