// Judgement of a value, only where a published guidance gives a limit for an instantaneous reading of indoor air:
// CO2, by the opinion of the French public health council (HCSP) of 21 January 2022 on measuring it in buildings open to the public:
// 800 ppm is its reference value for satisfactory renewal of the air, 1500 ppm the value above which it asks for rapid action.

export type Comfort = 'good' | 'stuffy' | 'poor';

export const CO2_STUFFY_PPM = 800;
export const CO2_POOR_PPM = 1500;

export function comfortOf(quantity: string, unit: string, value: number | null): Comfort | null {
  if (quantity.toLowerCase() !== 'co2' || value === null) return null;
  if (unit !== '' && unit.toLowerCase() !== 'ppm') return null;
  if (value >= CO2_POOR_PPM) return 'poor';
  return value >= CO2_STUFFY_PPM ? 'stuffy' : 'good';
}
