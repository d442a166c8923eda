import type { AskError } from '$/stores/http';
import { t } from '$/stores/preferences.svelte';

export function errorText(error: AskError): string {
  if (error.kind === 'status') return t('error.status', { status: error.status, text: error.text });
  return t(error.kind === 'network' ? 'error.network' : 'error.shape');
}
