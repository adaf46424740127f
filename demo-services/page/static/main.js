// Ties what people do to what the gateway is asked.
import * as api from './api.js';
import { label, language, speak, text } from './text.js';
import { byId, drawAnswers, drawHome, drawWallet, stateOf, trackLink } from './view.js';

const shown = { home: null, wallet: {}, failure: null, bought: null };

function draw() {
  label(document);
  const { home } = shown;
  byId('who').hidden = byId('home').hidden = home === null;
  byId('failure').hidden = shown.failure === null;
  byId('failure').textContent = shown.failure === null ? '' : sayFailure(shown.failure);
  if (home !== null) {
    byId('user').textContent = home.user;
    drawHome(home, act);
    drawWallet(shown.wallet);
    drawBought();
  }
  drawAnswers(api.answers());
}

function sayFailure(failure) {
  if (failure.status === 0) return text('failed.network');
  const known = text(`failed.${failure.status}`, '');
  return known || (language() === 'en' && failure.message) || text('failed.other');
}

function drawBought() {
  const { bought } = shown;
  byId('bought').replaceChildren(...(bought === null ? [] : [text('buy.done', bought.order.id, stateOf(bought.order.state)), ' ', trackLink(bought.correlation_id) ?? '']));
}

/** Does something; what goes wrong is said on the page. */
async function attempt(work, button) {
  shown.failure = null;
  if (button) button.disabled = true;
  try {
    await work();
  } catch (failure) {
    if (!(failure instanceof api.Failure)) throw failure;
    if (failure.status === 401 && shown.home !== null) leave();
    else shown.failure = failure;
  } finally {
    if (button) button.disabled = false;
    draw();
  }
}

async function loadHome() {
  shown.home = await api.home();
  byId('login').hidden = true;
}

/** The home page first: it tells whether somebody has logged in. */
async function load() {
  await loadHome();
  const [account, player] = await Promise.allSettled([api.account(), api.player()]);
  shown.wallet = { account: account.value, player: player.value };
}

function leave() {
  Object.assign(shown, { home: null, wallet: {}, bought: null });
  byId('login').hidden = false;
}

/** Looks again until the order is decided, a dozen times at most. */
async function follow(id) {
  for (let i = 0; i < 12; i++) {
    await new Promise((go) => setTimeout(go, 250 * 1.3 ** i));
    if (shown.home === null || shown.bought?.order.id !== id) return;
    await attempt(loadHome);
    const found = shown.home?.orders?.find((o) => o.id === id);
    if (found && found.state !== 'NEW') {
      shown.bought.order.state = found.state;
      return attempt(load);
    }
  }
}

const act = {
  choose(points) {
    byId('buy-form').elements.points.value = points;
    byId('buy-form').elements.points.focus();
  },
  add(product) {
    const had = shown.home.cart.find((i) => i.product === product)?.quantity ?? 0;
    return attempt(async () => {
      await api.put(product, had + 1);
      await loadHome();
    });
  },
  remove: (product) => attempt(async () => {
    await api.remove(product);
    await loadHome();
  }),
};

byId('login-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const form = event.currentTarget;
  attempt(async () => {
    await api.login(form.elements.user.value.trim(), form.elements.password.value);
    form.reset();
    await load();
    byId('main').focus();
  }, event.submitter);
});

byId('buy-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const points = Number(event.currentTarget.elements.points.value);
  attempt(async () => {
    shown.bought = null;
    shown.bought = await api.buy(points);
    await load();
    follow(shown.bought.order.id);
  }, event.submitter);
});

byId('logout').addEventListener('click', () => attempt(async () => {
  await api.logout();
  leave();
}));

for (const button of document.querySelectorAll('[data-language]')) {
  button.addEventListener('click', () => {
    speak(button.dataset.language);
    draw();
  });
}

api.onAnswer(() => drawAnswers(api.answers()));
draw();
load().catch((failure) => {
  leave();
  if (failure.status !== 401) shown.failure = failure;
}).finally(draw);
