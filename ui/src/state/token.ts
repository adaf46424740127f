const KEY = 'waybill.token';

/** The access token: for this tab, until it closes. In memory only where the browser refuses storage. */
export interface TokenStore {
  get(): string | null;
  set(token: string): void;
}

/** A token travels in a header, which holds visible ASCII only. */
export function isToken(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

export function createTokenStore(storage: () => Storage): TokenStore {
  let kept: string | null = null;
  return {
    get() {
      try {
        return storage().getItem(KEY) ?? kept;
      } catch {
        return kept;
      }
    },
    set(token) {
      kept = token;
      try {
        storage().setItem(KEY, token);
      } catch {
        // `kept` has it.
      }
    },
  };
}
