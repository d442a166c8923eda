// Search over places and sensors: every word of the question must occur in the place, the name, the quantity or its label.

import { quantitySpec } from './quantities';
import type { HasInfo, PlaceNode } from './tree';

export interface SearchResult<S extends HasInfo> {
  /** Paths of places that match or hold a match, ancestors included. */
  readonly places: Set<string>;
  /** Matching sensors, in tree order, cut at the limit. */
  readonly sensors: S[];
  readonly sensorTotal: number;
}

/** Lower case, without accents: `Fénelon` is found by `fenelon`. */
export function fold(text: string): string {
  return text.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase();
}

function sensorText(sensor: HasInfo): string {
  const { place, name, quantity, unit } = sensor.info;
  const { en, fr } = quantitySpec(quantity).label;
  return fold(`${place} ${name} ${quantity} ${unit} ${en} ${fr}`);
}

export function searchTree<S extends HasInfo>(root: PlaceNode<S>, question: string, limit = 100): SearchResult<S> | null {
  const words = fold(question).split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return null;
  const places = new Set<string>();
  const sensors: S[] = [];
  let sensorTotal = 0;

  const visit = (node: PlaceNode<S>): boolean => {
    const own = fold(node.path);
    let found = node.path !== '' && words.every((word) => own.includes(word));
    for (const sensor of node.sensors) {
      const text = sensorText(sensor);
      if (!words.every((word) => text.includes(word))) continue;
      found = true;
      sensorTotal += 1;
      if (sensors.length < limit) sensors.push(sensor);
    }
    for (const child of node.children) if (visit(child)) found = true;
    if (found) places.add(node.path);
    return found;
  };
  visit(root);
  return { places, sensors, sensorTotal };
}
