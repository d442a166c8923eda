// Which places are open in the tree; lasts as long as the page, so that going to a room and back loses nothing.

import { SvelteSet } from 'svelte/reactivity';
import type { Place } from '$/stores/sensors.svelte';

const OPEN_AT_FIRST_MAX = 40;

class TreeState {
  readonly open = new SvelteSet<string>();
  #begun = false;

  /** Opens the buildings of a small campus, once. */
  begin(root: Place): void {
    if (this.#begun || root.children.length === 0) return;
    this.#begun = true;
    const rows = root.children.reduce((sum, child) => sum + child.children.length, 0);
    if (rows > OPEN_AT_FIRST_MAX) return;
    for (const child of root.children) if (child.children.length > 0) this.open.add(child.path);
  }

  /** Opens the way to a place. */
  reveal(path: string): void {
    const slugs = path.split('/');
    for (let depth = 1; depth < slugs.length; depth += 1) this.open.add(slugs.slice(0, depth).join('/'));
  }

  toggle(path: string): void {
    if (!this.open.delete(path)) this.open.add(path);
  }
}

export const treeState = new TreeState();
