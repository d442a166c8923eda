// Sensors of one quantity and unit share a chart.

import { quantitySpec } from '$/model/quantities';
import { bySensor, type HasInfo } from '$/model/tree';

export interface QuantityGroup<S extends HasInfo> {
  /** Names the chart in the address: `#temperature`. */
  anchor: string;
  quantity: string;
  unit: string;
  kind: 'number' | 'boolean' | 'string';
  sensors: S[];
}

export function groupByQuantity<S extends HasInfo>(sensors: readonly S[]): QuantityGroup<S>[] {
  const groups = new Map<string, QuantityGroup<S>>();
  for (const sensor of sensors) {
    const { quantity, unit, type } = sensor.info;
    const kind = type === 'boolean' || type === 'string' ? type : 'number';
    const key = `${quantity}\n${unit}\n${kind}`;
    const group = groups.get(key);
    if (group) group.sensors.push(sensor);
    else groups.set(key, { anchor: anchorOf(quantity, unit, groups), quantity, unit, kind, sensors: [sensor] });
  }
  const sorted = [...groups.values()].sort(
    (a, b) => quantitySpec(a.quantity).rank - quantitySpec(b.quantity).rank || a.quantity.localeCompare(b.quantity) || a.unit.localeCompare(b.unit),
  );
  for (const group of sorted) group.sensors.sort((a, b) => a.info.place.localeCompare(b.info.place, 'en', { numeric: true }) || bySensor(a, b));
  return sorted;
}

function anchorOf(quantity: string, unit: string, groups: Map<string, { anchor: string }>): string {
  const slug = (text: string): string => text.toLowerCase().replace(/[^a-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '');
  const taken = new Set([...groups.values()].map((group) => group.anchor));
  const first = slug(quantity) || 'quantity';
  for (let n = 1; ; n += 1) {
    const anchor = n === 1 ? first : n === 2 && slug(unit) !== '' ? `${first}-${slug(unit)}` : `${first}-${n}`;
    if (!taken.has(anchor)) return anchor;
  }
}
