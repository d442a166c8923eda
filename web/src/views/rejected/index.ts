import type { View } from '../views';

export const rejected: View = {
  name: 'rejected',
  title: 'nav.rejected',
  load: () => import('./RejectedView.svelte'),
  navigation: { href: '/rejected', icon: 'rejected' },
};
