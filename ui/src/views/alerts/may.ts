import { useAnswer, useShell, useText } from '../shell/shell';
import type { Me } from '../../api/schema';

/** Why whoever looks may not do it; empty where they may, or where that is not known and the server will say. */
export interface May {
  readonly write: string;
  readonly admin: string;
}

export function useMay(): May {
  const { session } = useShell();
  const text = useText().alerts;
  const { loading } = useAnswer<Me>('me', (signal) => session.client.get('/me', {}, signal));
  if (loading.phase !== 'shown') return { write: '', admin: '' };
  const { role } = loading.value;
  return { write: role === 'read' ? text.mayNotWrite(role) : '', admin: role === 'admin' ? '' : text.mayNotAdmin(role) };
}
