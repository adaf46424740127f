import { useState } from 'preact/hooks';
import type { Answer, Client, Failure } from '../../api/client';
import { useShell } from '../shell/shell';

export type Sending = { readonly phase: 'idle' | 'asked' | 'done' } | { readonly phase: 'failed'; readonly failure: Failure };

/** Something that changes what the server knows, and what came of it. The promise says whether it was done. */
export function useSending(): { readonly sending: Sending; readonly send: (ask: (client: Client, signal: AbortSignal) => Promise<Answer<unknown>>) => Promise<boolean> } {
  const { session } = useShell();
  const [sending, setSending] = useState<Sending>({ phase: 'idle' });
  const send = async (ask: (client: Client, signal: AbortSignal) => Promise<Answer<unknown>>): Promise<boolean> => {
    setSending({ phase: 'asked' });
    const answer = await ask(session.client, new AbortController().signal);
    setSending(answer.kind === 'found' ? { phase: 'done' } : { phase: 'failed', failure: answer });
    return answer.kind === 'found';
  };
  return { sending, send };
}
