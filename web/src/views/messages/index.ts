import type { View } from '../views';

export const messages: View = {
  name: 'messages',
  title: 'nav.messages',
  load: () => import('./MessagesView.svelte'),
  navigation: { href: '/messages', icon: 'messages' },
};
