import type { View } from '../views';

export const campus: View = {
  name: 'campus',
  title: 'nav.campus',
  load: () => import('./CampusView.svelte'),
  navigation: { href: '/', icon: 'campus' },
};
