import type { View } from '../views';

export const system: View = {
  name: 'system',
  title: 'nav.system',
  load: () => import('./SystemView.svelte'),
  navigation: { href: '/system', icon: 'system' },
};
