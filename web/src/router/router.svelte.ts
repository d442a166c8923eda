// History routing: the address is the state. Links are plain <a href>; clicks on those of this page are taken over.

import { findRoute, type Route } from './routes';

class Router {
  path = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));
  route: Route = $derived(findRoute(this.path));
  /** Grows with every change of page, so that the shell can move the focus to the new heading. */
  visits = $state(0);

  start(): void {
    history.scrollRestoration = 'auto';
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => this.#click(event));
  }

  go(href: string): void {
    history.pushState(null, '', href);
    this.#read();
    scrollTo(0, 0);
  }

  /** Changes parameters of this page's address without a new entry in the history; null removes one. */
  setQuery(changes: Record<string, string | null>): void {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') query.delete(name);
      else query.set(name, value);
    }
    const search = query.toString();
    history.replaceState(history.state, '', location.pathname + (search === '' ? '' : `?${search}`));
    this.query = query;
  }

  #read(): void {
    const moved = this.path !== location.pathname;
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
    if (moved) this.visits += 1;
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin || link.target !== '' || link.hasAttribute('download')) return;
    if (link.hash !== '' && link.pathname === location.pathname) return;
    if (findRoute(link.pathname).view === null) return;
    event.preventDefault();
    this.go(link.href);
  }
}

export const router = new Router();
