import type { View } from '../views';

export const place: View = {
  name: 'place',
  title: 'nav.campus',
  load: () => import('./PlaceView.svelte'),
};
