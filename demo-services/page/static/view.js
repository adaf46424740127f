// Draws what the services said. Their words become text, never markup.
import { dollars, has, language, moment, number, text } from './text.js';

export const byId = (id) => document.getElementById(id);

/** An element with properties, and children that are elements or text. */
export function element(tag, properties, ...children) {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children.filter((c) => c !== null));
  return e;
}

export function trackLink(id) {
  if (!id) return null;
  const link = element('a', { href: `/track/${encodeURIComponent(id)}`, className: 'track', target: '_blank', rel: 'noopener' }, `${id.slice(0, 12)}…`);
  link.setAttribute('aria-label', text('answers.track', id));
  return link;
}

function list(id, items, none, draw) {
  const rows = items === null ? [element('li', { className: 'missing' }, text('missing'))] : items.map(draw);
  byId(id).replaceChildren(...(rows.length > 0 ? rows : [element('li', { className: 'none' }, text(none))]));
}

const nameOf = (product) => product.name[language()] ?? product.name.en ?? product.id;
const named = (home, id) => {
  const found = (home.products ?? []).find((p) => p.id === id);
  return found === undefined ? id : nameOf(found);
};

export const stateOf = (state) => (has(`state.${state}`) ? text(`state.${state}`) : state);

export function drawHome(home, act) {
  byId('partial').hidden = !home.partial;
  byId('partial').textContent = home.partial ? text('partial', home.missing.map((s) => text(`service.${s}`)).join(language() === 'en' ? ', ' : '、')) : '';
  drawOffers(home, act);
  drawOrders(home);
  list('products', home.products && home.products.filter((p) => !isOffer(p)), 'products.none', (p) => drawProduct(home, p, act));
  list('reviews', home.reviews, 'reviews.none', (r) =>
    element('li', {}, element('span', { className: 'grow' }, element('strong', {}, named(home, r.product)), element('br', {}), r.text),
      element('span', { className: 'aside' }, `${'★'.repeat(r.stars)}${'☆'.repeat(Math.max(0, 5 - r.stars))} ${r.user}`)));
  list('cart', home.cart, 'cart.none', (i) => drawItem(home, i, act));
}

const isOffer = (product) => /^points-\d+$/.test(product.id);

function drawOffers(home, act) {
  const offers = (home.products ?? []).filter(isOffer);
  byId('offers').replaceChildren(...offers.map((p) =>
    element('button', { type: 'button', onclick: () => act.choose(Number(p.id.slice('points-'.length))) }, nameOf(p))));
}

export function drawOrders(home) {
  list('orders', home.orders, 'orders.none', (o) => {
    const state = element('span', { className: 'state' }, stateOf(o.state));
    state.dataset.state = o.state;
    return element('li', {},
      element('span', { className: 'grow' }, element('strong', {}, text('orders.points', number(o.points))), ` ${dollars(o.dollars)}`, element('br', {}),
        element('span', { className: 'aside' }, `${o.id} · ${moment(o.at)}`)),
      state, trackLink(o.correlation_id));
  });
}

function drawProduct(home, product, act) {
  const units = (home.stock ?? []).find((s) => s.product === product.id)?.units;
  const stars = (home.reviews ?? []).filter((r) => r.product === product.id).map((r) => r.stars);
  const recommended = (home.recommendations ?? []).some((r) => r.product === product.id);
  const add = element('button', { type: 'button', disabled: units === 0 || home.cart === null, onclick: () => act.add(product.id) }, text('products.add'));
  add.setAttribute('aria-label', text('products.addNamed', nameOf(product)));
  return element('li', {},
    element('span', { className: 'name' }, nameOf(product), recommended ? element('span', { className: 'badge' }, text('products.recommended')) : null),
    element('span', { className: 'price' }, dollars(Number(product.price.amount))),
    element('span', { className: 'aside' }, units === undefined ? '' : text('products.left', units)),
    stars.length > 0 ? drawStars(stars) : null,
    add);
}

function drawStars(stars) {
  const mean = Math.round((10 * stars.reduce((a, b) => a + b, 0)) / stars.length) / 10;
  const e = element('span', { className: 'aside' }, `★ ${number(mean)} (${stars.length})`);
  e.setAttribute('role', 'img');
  e.setAttribute('aria-label', text('products.stars', number(mean), stars.length));
  return e;
}

function drawItem(home, item, act) {
  const name = named(home, item.product);
  const out = element('button', { type: 'button', className: 'quiet', onclick: () => act.remove(item.product) }, '✕');
  out.setAttribute('aria-label', text('cart.remove', name));
  return element('li', {}, element('span', { className: 'grow' }, name), element('span', { className: 'aside' }, `× ${number(item.quantity)}`), out);
}

export function drawWallet({ account, player }) {
  byId('dollars').textContent = account ? dollars(account.dollars) : '–';
  byId('points').textContent = player ? number(player.points) : '–';
  byId('reserved').textContent = player ? number(player.reserved) : '–';
}

export function drawAnswers(answers) {
  byId('answers').replaceChildren(...answers.map((a) => {
    const status = element('span', { className: 'state' }, String(a.status));
    status.dataset.state = a.status < 400 ? 'OPEN' : 'CANCEL';
    return element('li', {}, element('span', { className: 'grow' }, text(`answers.${a.what}`), ' ', element('span', { className: 'aside' }, moment(a.at))), status, trackLink(a.id));
  }));
}
