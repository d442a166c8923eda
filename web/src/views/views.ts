// The views, in the order of the navigation. Adding one: a folder with its index.ts, its address in router/routes.ts, and a line here.

import type { Component } from 'svelte';
import type { TextKey } from '$/i18n/text';
import type { ViewName } from '$/router/routes';
import type { IconName } from '$/assets/icons';
import { campus } from './campus';
import { clients } from './clients';
import { messages } from './messages';
import { place } from './place';
import { rejected } from './rejected';
import { system } from './system';

export interface View {
  name: ViewName;
  title: TextKey;
  /** Loaded when it is first shown. */
  load: () => Promise<{ default: Component }>;
  /** Where it stands in the navigation; a view without it is reached by links. */
  navigation?: { href: string; icon: IconName };
}

export const views: readonly View[] = [campus, place, clients, messages, rejected, system];
