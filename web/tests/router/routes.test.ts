import { expect, it } from 'vitest';
import { findRoute, placeHref } from '$/router/routes';

it('finds the view of an address', () => {
  expect(findRoute('/')).toEqual({ view: 'campus', rest: '' });
  expect(findRoute('/place/u4/302')).toEqual({ view: 'place', rest: 'u4/302' });
  expect(findRoute('/place/u4/302/')).toEqual({ view: 'place', rest: 'u4/302' });
  expect(findRoute('/rejected')).toEqual({ view: 'rejected', rest: '' });
  expect(findRoute('/system')).toEqual({ view: 'system', rest: '' });
  expect(findRoute('/clients')).toEqual({ view: 'clients', rest: '' });
  expect(findRoute('/messages')).toEqual({ view: 'messages', rest: '' });
  expect(findRoute('/place')).toEqual({ view: 'campus', rest: '' });
});

it('knows what is no view', () => {
  expect(findRoute('/nowhere').view).toBeNull();
  expect(findRoute('/campus').view).toBeNull();
  expect(findRoute('/system/deeper').view).toBeNull();
});

it('reads what it writes, whatever is in a slug', () => {
  for (const path of ['u4/302', '~', 'a b/ç#1?', '100%']) expect(findRoute(placeHref(path))).toEqual({ view: 'place', rest: path });
  expect(findRoute('/place/%E0%A4%A')).toEqual({ view: 'place', rest: '%E0%A4%A' });
  expect(placeHref('u4', '1h')).toBe('/place/u4?range=1h');
});
