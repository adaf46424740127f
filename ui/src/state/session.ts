import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';
import { createClient } from '../api/client';
import type { Answer, Client } from '../api/client';
import type { Fetcher } from '../api/question';
import type { TokenStore } from './token';

/** The server, and how it stands with us. */
export interface Session {
  readonly client: Client;
  /** The last question found no server. */
  readonly away: ReadonlySignal<boolean>;
  /** The server wants a token; `refused`: another than the one it got. Null: it does not. */
  readonly wanted: ReadonlySignal<{ readonly refused: boolean } | null>;
  /** Counts up when what was asked is worth asking again: there is a token, or a network. */
  readonly again: ReadonlySignal<number>;
  authorize(token: string): void;
  retry(): void;
}

export function openSession(tokens: TokenStore, fetcher: Fetcher): Session {
  const away = signal(false);
  const wanted = signal<{ readonly refused: boolean } | null>(null);
  const again = signal(0);
  const told = (answer: Answer<unknown>): void => {
    away.value = answer.kind === 'unreachable';
    if (answer.kind === 'unauthorized') wanted.value = { refused: answer.refused };
  };
  return {
    client: createClient(() => tokens.get(), told, fetcher),
    away,
    wanted,
    again,
    authorize(token) {
      tokens.set(token);
      wanted.value = null;
      again.value += 1;
    },
    retry() {
      again.value += 1;
    },
  };
}
