// Times as people read them.

import type { Locale } from '$/model/quantities';

const tags: Record<Locale, string> = { en: 'en-GB', fr: 'fr-FR' };
const formats = new Map<string, Intl.DateTimeFormat>();
const units = new Map<string, Intl.NumberFormat>();

function dateFormat(locale: Locale, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale}${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(tags[locale], options);
    formats.set(key, format);
  }
  return format;
}

function inUnit(count: number, unit: string, locale: Locale, display: 'narrow' | 'long'): string {
  const key = `${locale}${unit}${display}`;
  let format = units.get(key);
  if (!format) {
    format = new Intl.NumberFormat(tags[locale], { style: 'unit', unit, unitDisplay: display, maximumFractionDigits: 0 });
    units.set(key, format);
  }
  return format.format(count);
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A length of time in its largest whole unit: `8s`, `3m`, `5h`, `2d`. */
export function formatDuration(lengthMs: number, locale: Locale, display: 'narrow' | 'long' = 'narrow'): string {
  const ms = Math.max(0, lengthMs);
  if (ms < MINUTE_MS) return inUnit(Math.floor(ms / SECOND_MS), 'second', locale, display);
  if (ms < HOUR_MS) return inUnit(Math.floor(ms / MINUTE_MS), 'minute', locale, display);
  if (ms < DAY_MS) return inUnit(Math.floor(ms / HOUR_MS), 'hour', locale, display);
  return inUnit(Math.floor(ms / DAY_MS), 'day', locale, display);
}

/** Two units for things that last: `3h 12m`. */
export function formatUptime(lengthMs: number, locale: Locale): string {
  const steps: [number, number][] = [
    [DAY_MS, HOUR_MS],
    [HOUR_MS, MINUTE_MS],
    [MINUTE_MS, SECOND_MS],
  ];
  for (const [large, small] of steps) {
    if (lengthMs >= large) return `${formatDuration(lengthMs, locale)} ${formatDuration(small * Math.floor((lengthMs % large) / small), locale)}`;
  }
  return formatDuration(lengthMs, locale);
}

export function formatClock(timeMs: number, locale: Locale): string {
  return dateFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(timeMs);
}

export function formatMoment(timeMs: number, locale: Locale): string {
  return dateFormat(locale, { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(timeMs);
}

/** The clock for today, the day as well for any other. */
export function formatWhen(timeMs: number, nowMs: number, locale: Locale): string {
  if (new Date(timeMs).toDateString() === new Date(nowMs).toDateString()) return formatClock(timeMs, locale);
  return dateFormat(locale, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' }).format(timeMs);
}

/** A tick of a time axis: seconds, minutes or days, as the step between ticks asks for. */
export function formatTick(timeMs: number, stepMs: number, locale: Locale): string {
  if (stepMs >= DAY_MS) return dateFormat(locale, { weekday: 'short', day: 'numeric' }).format(timeMs);
  if (stepMs < MINUTE_MS) return formatClock(timeMs, locale);
  const clock = dateFormat(locale, { hour: '2-digit', minute: '2-digit' }).format(timeMs);
  const date = new Date(timeMs);
  return date.getHours() === 0 && date.getMinutes() === 0 ? dateFormat(locale, { weekday: 'short', day: 'numeric' }).format(timeMs) : clock;
}
