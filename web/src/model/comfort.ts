// Judgement of a value, only where a published guidance gives a limit for an instantaneous reading of indoor air:
// CO2, by the French public health council's advice of 2022 (800 ppm: ventilate more; 1500 ppm: leave the room until aired).

export type Comfort = 'good' | 'stuffy' | 'poor';

export const CO2_STUFFY_PPM = 800;
export const CO2_POOR_PPM = 1500;

export function comfortOf(quantity: string, unit: string, value: number | null): Comfort | null {
  if (quantity.toLowerCase() !== 'co2' || value === null) return null;
  if (unit !== '' && unit.toLowerCase() !== 'ppm') return null;
  if (value >= CO2_POOR_PPM) return 'poor';
  return value >= CO2_STUFFY_PPM ? 'stuffy' : 'good';
}
