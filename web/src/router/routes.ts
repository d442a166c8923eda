// Which view an address belongs to. Pure: the views themselves are in views/views.ts.

export const VIEW_NAMES = ['campus', 'place', 'clients', 'messages', 'rejected', 'system'] as const;
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
  const plain = VIEW_NAMES.find((name) => name === first && name !== 'campus');
  if (plain && others.length === 0) return { view: plain, rest: '' };
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

export function clientHref(id: string): string {
  return `/clients?client=${encodeURIComponent(id)}`;
}

export function topicHref(topic: string): string {
  return `/messages?topic=${encodeURIComponent(topic)}`;
}
