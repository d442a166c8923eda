import type { View } from '../views';

export const clients: View = {
  name: 'clients',
  title: 'nav.clients',
  load: () => import('./ClientsView.svelte'),
  navigation: { href: '/clients', icon: 'clients' },
};
