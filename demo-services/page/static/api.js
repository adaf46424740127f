// What the gateway is asked. Every answer is noted with its tracking number.

/** An answer that is none; status 0 is no answer at all. */
export class Failure extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

const noted = [];
let changed = () => {};

export const answers = () => noted;
export const onAnswer = (f) => {
  changed = f;
};

function note(what, status, id) {
  noted.unshift({ what, status, id, at: Date.now() });
  noted.length = Math.min(noted.length, 12);
  changed();
}

async function ask(what, method, path, body) {
  const res = await fetch(path, {
    method,
    headers: body === undefined ? { accept: 'application/json' } : { accept: 'application/json', 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: 'same-origin',
    signal: AbortSignal.timeout(20_000),
  }).catch(() => {
    throw new Failure(0, '');
  });
  note(what, res.status, res.headers.get('x-correlation-id'));
  const said = await res.json().catch(() => ({}));
  if (!res.ok) throw new Failure(res.status, said.detail ?? '');
  return said;
}

export const login = (user, password) => ask('login', 'POST', '/login', { user, password });
export const logout = () => ask('logout', 'POST', '/logout');
export const home = () => ask('home', 'GET', '/v2/home');
export const account = () => ask('account', 'GET', '/services/bank/account');
export const player = () => ask('player', 'GET', '/services/game/player');
export const buy = (points) => ask('purchase', 'POST', '/v2/purchases', { item: 'points', quantity: points });
export const put = (product, quantity) => ask('cart', 'PUT', `/services/cart/cart/${encodeURIComponent(product)}`, { quantity });
export const remove = (product) => ask('cart', 'DELETE', `/services/cart/cart/${encodeURIComponent(product)}`);
