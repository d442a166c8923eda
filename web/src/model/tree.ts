// The tree of places: every prefix of a place's path is a place. Built anew when sensors appear; values live in the sensors themselves.

import { quantitySpec } from './quantities';
import type { SensorInfo } from './sensor';

/** The path under which sensors without a place are shown; `~` is in no slug. */
export const NO_PLACE = '~';

export interface HasInfo {
  readonly info: SensorInfo;
}

export interface PlaceNode<S extends HasInfo> {
  readonly path: string;
  readonly slug: string;
  readonly parent: PlaceNode<S> | null;
  readonly children: PlaceNode<S>[];
  /** Sensors of this very place. */
  readonly sensors: S[];
  /** Sensors of this place and all below. */
  sensorCount: number;
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function newNode<S extends HasInfo>(path: string, slug: string, parent: PlaceNode<S> | null): PlaceNode<S> {
  return { path, slug, parent, children: [], sensors: [], sensorCount: 0 };
}

function bySlug(a: PlaceNode<HasInfo>, b: PlaceNode<HasInfo>): number {
  if (a.slug === NO_PLACE || b.slug === NO_PLACE) return a.slug === b.slug ? 0 : a.slug === NO_PLACE ? 1 : -1;
  return collator.compare(a.slug, b.slug);
}

export function bySensor(a: HasInfo, b: HasInfo): number {
  return (
    quantitySpec(a.info.quantity).rank - quantitySpec(b.info.quantity).rank ||
    collator.compare(a.info.quantity, b.info.quantity) ||
    collator.compare(a.info.name, b.info.name) ||
    collator.compare(a.info.id, b.info.id)
  );
}

export function buildTree<S extends HasInfo>(sensors: Iterable<S>): PlaceNode<S> {
  const root = newNode<S>('', '', null);
  const nodes = new Map<string, PlaceNode<S>>([['', root]]);

  const nodeAt = (slugs: string[]): PlaceNode<S> => {
    let node = root;
    let path = '';
    for (const slug of slugs) {
      path = path === '' ? slug : `${path}/${slug}`;
      let child = nodes.get(path);
      if (!child) {
        child = newNode(path, slug, node);
        node.children.push(child);
        nodes.set(path, child);
      }
      node = child;
    }
    return node;
  };

  for (const sensor of sensors) {
    const slugs = sensor.info.place.split('/').filter((slug) => slug !== '');
    nodeAt(slugs.length === 0 ? [NO_PLACE] : slugs).sensors.push(sensor);
  }
  for (const node of nodes.values()) {
    node.children.sort(bySlug);
    node.sensors.sort(bySensor);
  }
  countSensors(root);
  return root;
}

function countSensors(node: PlaceNode<HasInfo>): number {
  node.sensorCount = node.sensors.length;
  for (const child of node.children) node.sensorCount += countSensors(child);
  return node.sensorCount;
}

export function findPlace<S extends HasInfo>(root: PlaceNode<S>, path: string): PlaceNode<S> | null {
  let node: PlaceNode<S> | undefined = root;
  for (const slug of path.split('/').filter((part) => part !== '')) {
    node = node?.children.find((child) => child.slug === slug);
    if (!node) return null;
  }
  return node ?? null;
}

export function ancestorsOf<S extends HasInfo>(node: PlaceNode<S>): PlaceNode<S>[] {
  const chain: PlaceNode<S>[] = [];
  for (let at = node.parent; at && at.path !== ''; at = at.parent) chain.unshift(at);
  return chain;
}

export function sensorsBelow<S extends HasInfo>(node: PlaceNode<S>, found: S[] = []): S[] {
  found.push(...node.sensors);
  for (const child of node.children) sensorsBelow(child, found);
  return found;
}

/** This place and those below it that have sensors of their own: the tiles of the overview. */
export function placesWithSensors<S extends HasInfo>(node: PlaceNode<S>, found: PlaceNode<S>[] = []): PlaceNode<S>[] {
  if (node.sensors.length > 0) found.push(node);
  for (const child of node.children) placesWithSensors(child, found);
  return found;
}

/** The places that get a card: the first level at which the tree branches, so that a lone campus at the top is passed through. */
export function cardPlaces<S extends HasInfo>(root: PlaceNode<S>): PlaceNode<S>[] {
  let node = root;
  while (node.children.length === 1 && node.sensors.length === 0 && node.children[0]!.children.length > 0) node = node.children[0]!;
  if (node.sensors.length > 0 || node.children.length === 0) return node === root ? [] : [node];
  // A building with a single room is still a building: keep the level that the root has.
  return node !== root && node.children.every((child) => child.children.length === 0) ? [node] : node.children;
}

/** A place's name as shown inside another: `302` in `u4`, `floor3 / 302` two levels up. */
export function relativeName(node: PlaceNode<HasInfo>, within: PlaceNode<HasInfo>): string {
  if (node.path === within.path || !node.path.startsWith(within.path)) return node.slug;
  return node.path.slice(within.path === '' ? 0 : within.path.length + 1).split('/').join(' / ');
}
